// Which line of an acl_file decides, and that it says what the grants do.
#include <doctest/doctest.h>

#include <random>

#include "broker/access/acl.h"
#include "broker/access/acl_explain.h"

using namespace tandemq;
using namespace tandemq::broker;

namespace {

const char* const kFile =
    "# who may what\n"
    "topic read open/#\n"
    "user anna\n"
    "topic readwrite a/#\n"
    "topic deny a/secret/#\n"
    "\n"
    "pattern write dev/%c/#\r\n"
    "user bob\n"
    "topic read a/b\n"
    "topic read a/b/c\n"
    "topic deny a/b/c\n"
    "topic deny a/b\n";

std::string asked(AclAction action, const char* topic, const char* user, const char* client = "c") {
  const Result<AclAnswer> found = explain_acl(kFile, "acl", {action, topic, client, user});
  if (!found) return found.error().message;
  return (found->allowed ? "yes " : "no ") + std::to_string(found->line) + " " + found->rule;
}

}  // namespace

TEST_CASE("the line that decides is named") {
  using enum AclAction;
  CHECK(asked(publish, "a/1", "anna") == "yes 4 topic readwrite a/#");
  CHECK(asked(publish, "a/secret/1", "anna") == "no 5 topic deny a/secret/#");
  CHECK(asked(subscribe, "a/#", "anna") == "yes 4 topic readwrite a/#");
  CHECK(asked(subscribe, "a/secret/x", "anna") == "no 5 topic deny a/secret/#");
  CHECK(asked(subscribe, "$share/g/a/#", "anna") == "yes 4 topic readwrite a/#");
  CHECK(asked(receive, "open/1", "") == "yes 2 topic read open/#");
  CHECK(asked(receive, "open/1", "anna") == "no 0 ");  // those of anonymous clients alone
  CHECK(asked(publish, "dev/c/1", "anna") == "yes 7 pattern write dev/%c/#");
  CHECK(asked(publish, "dev/d/1", "anna") == "no 0 ");
  CHECK(asked(subscribe, "a/#", "bob") == "no 11 topic deny a/b/c");  // both that he has are denied
  CHECK(asked(receive, "$SYS/x", "anna") == "no 0 ");
}

TEST_CASE("a topic that cannot be asked for is refused, and a file that cannot be read") {
  using enum AclAction;
  CHECK(asked(publish, "a/#", "anna").find("wildcards are for subscribe") != std::string::npos);
  CHECK(asked(subscribe, "a/#/b", "anna").find("no topic filter") != std::string::npos);
  CHECK(
      explain_acl("topci a", "acl", {publish, "a", "c", ""}).error().message.starts_with("acl:1:"));
}

TEST_CASE("it says what the grants do, and names a line wherever one decides") {
  std::mt19937 random(1);
  const auto one_of = [&random](std::initializer_list<const char*> list) {
    return std::string(list.begin()[random() % list.size()]);
  };
  for (int round = 0; round < 300; ++round) {
    std::string file;
    for (int i = 0; i < 6; ++i) {
      if (random() % 4 == 0) file += "user " + one_of({"anna", "bob"}) + "\n";
      file += one_of({"topic ", "pattern "}) + one_of({"read ", "write ", "deny ", ""}) +
              one_of({"a/#", "a/b", "+/b", "#", "a/%c", "%u/#"}) + "\n";
    }
    AclQuestion question{AclAction(random() % 3), one_of({"a/b", "a/c", "c/b"}), "c",
                         one_of({"anna", "bob", ""})};
    if (question.action == AclAction::subscribe) question.topic = one_of({"a/#", "a/b", "+/+"});
    const auto grants = Acl::parse(file, "acl")->grants(question.client_id, question.username);
    const bool allowed = question.action == AclAction::publish ? grants->may_publish(question.topic)
                         : question.action == AclAction::receive
                             ? grants->may_receive(question.topic)
                             : grants->may_subscribe(question.topic);
    const Result<AclAnswer> found = explain_acl(file, "acl", question);
    REQUIRE(found);
    CAPTURE(file);
    CAPTURE(question.topic);
    CHECK(found->allowed == allowed);
    if (allowed) CHECK(found->line != 0);
    if (found->line != 0) CHECK((found->rule.find("deny") != std::string::npos) == !allowed);
  }
}
