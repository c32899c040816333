// decide changes nothing (invariant 9), by types: what can be reached from a const state is const.
#include <doctest/doctest.h>

#include <type_traits>
#include <utility>

#include "broker/core/route_plan.h"

using namespace tandemq::core;

namespace {

using Seen = const State::Impl&;
template <class T>
constexpr bool kConst = std::is_const_v<std::remove_pointer_t<std::remove_reference_t<T>>>;

static_assert(kConst<decltype(std::declval<Seen>().find(1))>);
static_assert(kConst<decltype(std::declval<Seen>().find_client(""))>);
static_assert(kConst<decltype(*std::declval<Seen>().durable_sessions()[0])>);
static_assert(kConst<decltype(std::declval<Seen>().retained.find(""))>);
static_assert(kConst<decltype(std::declval<const Session&>().queue[0])>);
static_assert(kConst<decltype(*std::declval<const Session&>().will)>);
static_assert(kConst<decltype(std::declval<const Session&>().subscriptions[0].node())>);
static_assert(kConst<decltype(std::declval<const Session&>().subscriptions[0].group())>);
static_assert(kConst<decltype(std::declval<MatchScratch&>().nodes[0])>);
static_assert(kConst<decltype(std::declval<const FilterNode&>().groups.front())>);
static_assert(kConst<decltype(std::declval<const ShareGroup&>().members[0].session())>);
static_assert(kConst<decltype(*std::declval<Seat&>().session)>);

}  // namespace

TEST_CASE("decide sees the state as const") {
  CHECK(std::is_same_v<decltype(RouteRules::state), Seen>);
}
