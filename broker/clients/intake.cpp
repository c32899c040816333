#include "broker/clients/intake.h"

#include "broker/clients/client_log.h"
#include "broker/clients/limits.h"

namespace tandemq::broker {
namespace {

constexpr char kConnectByte = 0x10;

// Who reads no answers is asked no more questions.
bool is_choked(const Client& client) {
  return client.channel.blocked() && client.channel.unsent() > kUnsentReadMax;
}

// Not while the connection is full and the last ones are still unsent.
bool may_feed(const Client& client) {
  return !client.channel.blocked() || client.channel.unsent() <= kUnsentFeedMax;
}

}  // namespace

void Intake::readable(Client& client) {
  share_.begin_callback();
  if (pause_.on()) return pause_.hold(client);
  if (client.held) return share_.listen(client);
  if (is_choked(client)) {
    client.choked = true;
    return share_.listen(client);
  }
  take(client);
}

void Intake::writable(Client& client) {
  if (client.choked && !is_choked(client)) {
    client.choked = false;
    client.heard_s = turn_.seconds();
    share_.listen(client);
  }
  if (client.feed && !client.backlog && may_feed(client)) share_.put_off(client);
}

void Intake::go_on(Client& client) {
  if (client.stage() == Stage::asking) return;
  share_.begin_callback();
  if (client.feed) {
    if (!may_feed(client)) return;  // goes on in writable
    dispatch_.feed(client);
    if (!client.hears()) return;
    if (client.feed) return share_.put_off(client);
    client.heard_s = turn_.seconds();
  }
  if (client.channel.has_rest()) handle_input(client);
  if (!client.hears() || client.backlog) return;
  if (client.channel.pending() && !client.held) return take(client);
  share_.listen(client);
}

// One helping.
void Intake::take(Client& client) {
  const net::Io got = client.channel.read(share_.read_size());
  if (got == net::Io::ended) {
    log_lost(client);
    return stages_.lost(client);
  }
  if (got == net::Io::done) handle_input(client);
  if (client.hears() && !client.backlog) share_.listen(client);
}

// Whole packets may be left, or a part of the last: both come next turn, before more is read.
void Intake::handle_input(Client& client) {
  const std::string_view in = client.channel.input();
  const std::size_t handled = handle_packets(client, in);
  if (!client.hears()) return;
  const std::size_t rest = in.size() - handled;
  client.channel.keep(rest);
  note_progress(client, rest, handled > 0);
  if (client.held) return;
  if (client.feed || (client.channel.has_rest() && !share_.may_work())) share_.put_off(client);
}

// A long packet takes long on a slow line: its bytes are signs of life, as many of them as nobody
// sends who only wants to seem alive.
void Intake::note_progress(Client& client, std::size_t rest, bool handled) {
  if (handled || client.stage() != Stage::serving) {
    client.rest_heard = static_cast<std::uint32_t>(rest);
  } else if (rest >= client.rest_heard + kProgressBytes) {
    client.rest_heard = static_cast<std::uint32_t>(rest);
    client.heard_s = turn_.seconds();
  }
}

// Handles whole packets until none is left or the callback has done its share of work, or one needs
// more turns. Returns the bytes handled; when the client ended on the way, `in` may be gone.
std::size_t Intake::handle_packets(Client& client, std::string_view in) {
  std::size_t at = 0;
  while (share_.may_work() && !client.feed) {
    std::size_t used = 0;
    if (mqtt::may_be_ack_run(in.substr(at)) && (used = handle_answers(client, in.substr(at))) > 0) {
      at += used;
      if (!client.hears()) return in.size();
      continue;
    }
    PublishGate::Passage passage = PublishGate::Passage::pass;
    if (at < in.size()) passage = gate_.ask(client, in[at]);
    if (passage == PublishGate::Passage::wait) {
      gate_.hold(client);
      break;
    }
    // A refusal goes by what this CONNECT says, not one before.
    if (client.stage() == Stage::connecting) packet_.connect.properties.maximum_packet_size = 0;
    const mqtt::Decoded decoded = client.decoder.decode(in.substr(at), packet_, used);
    if (decoded == mqtt::Decoded::need_more) break;
    if (decoded == mqtt::Decoded::error) {
      refuse_bytes(client, client.stage() != Stage::connecting || in[at] == kConnectByte);
      return in.size();
    }
    share_.spend(1);
    handle_packet(client, passage, used);
    if (client.stage() == Stage::asking) {
      // Who has said more already may be gone by then, and is served all the same.
      client.channel.watch(at + used == in.size());
      return at;  // the CONNECT comes again when the answer is there
    }
    if (packet_.type == mqtt::PacketType::connect && client.stage() == Stage::exchanging)
      client.enhanced->connect = in.substr(at, used);
    at += used;
    ++counters_.packets_received;
    if (!client.hears()) return in.size();
  }
  if (at > 0) client.heard_s = turn_.seconds();
  return at;
}

void Intake::handle_packet(Client& client, PublishGate::Passage passage, std::size_t size) {
  if (passage == PublishGate::Passage::drop) {
    gate_.dropped(client);
    return dispatch_.discard(client, packet_.publish);
  }
  if (packet_.type == mqtt::PacketType::publish) gate_.taken(client, size);
  dispatch_.handle(client, packet_);
}

// Answers of one kind mostly come many at once. Returns the bytes handled.
std::size_t Intake::handle_answers(Client& client, std::string_view in) {
  if (client.stage() != Stage::serving) return 0;
  const mqtt::AckRun run = mqtt::ack_run(in, share_.work_left());
  if (run.size() < 2) return 0;
  share_.spend(run.size());
  counters_.packets_received += run.size();
  dispatch_.handle(client, run);
  return run.packets.size();
}

// The decoder could not read on: tell why if the client can understand it, and end.
void Intake::refuse_bytes(Client& client, bool is_mqtt) {
  ++counters_.malformed;
  log_malformed(client);
  const mqtt::Reason reason = client.decoder.error_reason();
  const char* text = client.decoder.error_text();
  if (client.stage() == Stage::connecting)
    client.packet_max = packet_.connect.properties.maximum_packet_size;
  if (client.stage() != Stage::serving && is_mqtt) writer_.refusal(client, reason, text);
  stages_.dismiss(client, reason, text);
}

}  // namespace tandemq::broker
