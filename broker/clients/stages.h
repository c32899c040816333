// The life of a connection: the only place where its stage changes.
//
//   open ──▶ connecting ──serve──▶ serving ──condemn──▶ closing ──leave──▶ leaving ──drop──▶ gone
//             │ ask  ▲ │ exchange     ▲
//             ▼      │ └─▶ exchanging ┘ serve
//              asking
//              (answered)
//
// There is one verb for each way to end; the others go straight to leaving or gone. Where a client
// was attached to a session, the engine is told by Deliverer::settle: an end may come while effects
// are being delivered.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/clients/client_table.h"
#include "broker/clients/deadlines.h"
#include "broker/clients/packet_writer.h"
#include "broker/support/turn.h"

namespace tandemq::broker {

class Stages {
 public:
  // All outlive it.
  Stages(ClientTable& table, PacketWriter& writer, const Turn& turn)
      : table_(table), writer_(writer), turn_(turn) {}

  Client& open(std::unique_ptr<net::Transport> transport, net::ChannelUser& user,
               net::ChannelPool& pool, Entrance& through, std::uint32_t maximum_packet_size);
  // Its CONNECT, the last that it has read, waits for an answer.
  void ask(Client& client, Question question);
  void answered(Client& client);
  // Its CONNECT waits for what AUTH packets prove.
  void exchange(Client& client) { client.stage_ = Stage::exchanging; }
  // Its CONNECT was accepted.
  void serve(Client& client, core::SeatId seat);

  // It said DISCONNECT, which the engine has heard.
  void departs(Client& client);
  // We send it away: DISCONNECT where it understands one. `text`: as Encoder::disconnect.
  void dismiss(Client& client, mqtt::Reason reason, std::string_view text = {});
  // The engine sends it away: nothing it says is heard from now on, but its last packet may have to
  // wait for commit. Once that is in the channel: leave.
  void condemn(Client& client, mqtt::Reason reason);
  void leave(Client& client);
  // It is gone without a word. Destroys the client.
  void lost(Client& client);
  // At once, whatever is unsent, the engine is not told. Destroys the client.
  void drop(Client& client);

  // Calls due(client) for those whose deadline has come, as Deadlines::sweep; `due` may end the
  // client.
  template <class F>
  bool sweep(F due) {
    return deadlines_.sweep(turn_.seconds(), table_, due);
  }
  // So many seconds from now.
  void look_again(Client& client, std::uint32_t in_s) {
    deadlines_.set(client, turn_.seconds() + in_s);
  }

  // Whose end the engine does not know yet; empties the list.
  std::vector<core::Origin> take_detached() { return std::exchange(detached_, {}); }
  bool has_detached() const { return !detached_.empty(); }

 private:
  void stop_hearing(Client& client);
  void detach(Client& client);

  ClientTable& table_;
  PacketWriter& writer_;
  const Turn& turn_;
  Deadlines deadlines_;
  std::vector<core::Origin> detached_;
};

}  // namespace tandemq::broker
