#include "broker/clients/reading_pause.h"

#include "broker/support/log.h"

namespace tandemq::broker {

void ReadingPause::hold(Client& client) {
  client.paused = true;
  held_.push_back(client.id);
  share_.listen(client);
}

void ReadingPause::order(bool pause) {
  ordered_ = pause;
  weigh();
}

void ReadingPause::uncommitted(std::size_t bytes) {
  uncommitted_bytes_ = bytes;
  weigh();
}

void ReadingPause::weigh() {
  const auto more_than = [this](std::size_t part) {
    return outbox_.bytes() > kHeldBytesMax / part || outbox_.size() > kHeldEffectsMax / part ||
           uncommitted_bytes_ > kUncommittedBytesMax / part;
  };
  if (!overloaded_ && more_than(1)) {
    overloaded_ = true;
    ++counters_.reads_paused;
    log(LogLevel::warning, "reading_paused",
        {{"held_effects", outbox_.size()},
         {"held_bytes", outbox_.bytes()},
         {"uncommitted_bytes", uncommitted_bytes_},
         {"reason", "acknowledgements wait for the peer, publishers are not read from"}});
  } else if (overloaded_ && !more_than(2)) {
    overloaded_ = false;
    log(LogLevel::notice, "reading_resumed", {{"held_effects", outbox_.size()}});
  }
  if (!on() && !held_.empty()) resume();
}

void ReadingPause::resume() {
  for (const core::ConnId id : held_) {
    Client* client = table_.find(id);
    if (!client || !client->paused) continue;
    client->paused = false;
    client->heard_s = turn_.seconds();
    share_.listen(*client);
  }
  held_.clear();
}

void ReadingPause::reset() {
  overloaded_ = ordered_ = false;
  uncommitted_bytes_ = 0;
  held_.clear();
}

}  // namespace tandemq::broker
