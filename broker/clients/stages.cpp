#include "broker/clients/stages.h"

#include "broker/clients/limits.h"

namespace tandemq::broker {

Client& Stages::open(std::unique_ptr<net::Transport> transport, net::ChannelUser& user,
                     net::ChannelPool& pool, Entrance& through, std::uint32_t maximum_packet_size) {
  Client& client = table_.open(std::move(transport), user, pool, through, maximum_packet_size);
  ++through.connections;
  client.heard_s = turn_.seconds();
  client.introduced = !through.behind_proxy;
  look_again(client, through.behind_proxy ? kIntroductionS : kConnectTimeoutS);
  client.channel.listen(true);
  return client;
}

void Stages::ask(Client& client, Question question) {
  client.stage_ = Stage::asking;
  client.question = std::move(question);
  client.decoder.expect_connect_again();
  client.channel.listen(false);
}

void Stages::answered(Client& client) {
  client.stage_ = Stage::connecting;
  client.question.answered();
  client.channel.watch(false);
}

void Stages::serve(Client& client, core::SeatId seat) {
  client.stage_ = Stage::serving;
  client.seat_ = seat;
  client.check_s = 0;
  if (client.keep_alive_s || client.ends_ms) look_again(client, 1);
}

void Stages::departs(Client& client) {
  stop_hearing(client);
  leave(client);
}

void Stages::dismiss(Client& client, mqtt::Reason reason, std::string_view text) {
  if (client.stage_ == Stage::leaving) return;
  if (client.stage_ == Stage::serving) writer_.disconnect(client, reason, text);
  detach(client);
  stop_hearing(client);
  leave(client);
}

void Stages::condemn(Client& client, mqtt::Reason reason) {
  // A session that was taken over has another connection already.
  if (reason != mqtt::Reason::session_taken_over) detach(client);
  stop_hearing(client);
}

void Stages::lost(Client& client) {
  detach(client);
  drop(client);
}

void Stages::drop(Client& client) {
  --client.entrance.connections;
  table_.close(client);
}

void Stages::detach(Client& client) {
  if (client.seat_ != core::kNoSeat) detached_.push_back({client.id, client.seat_});
  client.seat_ = core::kNoSeat;
}

void Stages::stop_hearing(Client& client) {
  client.stage_ = Stage::closing;
  client.seat_ = core::kNoSeat;
  client.place = {};
  client.feed.reset();
  client.question.cancel();
  client.paused = client.backlog = client.choked = client.held = false;
  client.check_s = 0;
  client.channel.keep(0);
  client.channel.listen(false);
}

void Stages::leave(Client& client) {
  client.stage_ = Stage::leaving;
  look_again(client, kLingerS);
  client.channel.finish();
}

}  // namespace tandemq::broker
