#include <doctest/doctest.h>

#include <string>

#include "broker/mqtt/topic.h"

using namespace tandemq::mqtt;

TEST_CASE(
    "valid_utf8 takes well-formed text and nothing else [5:1.5.4-1 5:1.5.4-3 3:1.5.3-1 "
    "3:1.5.3-3]") {
  CHECK(valid_utf8(""));
  CHECK(valid_utf8("a"));
  CHECK(valid_utf8("sensors/17/temperature"));
  CHECK(valid_utf8("\xc3\xa4/\xe2\x82\xac/\xf0\x9f\x98\x80"));
  CHECK(valid_utf8("\xef\xbb\xbf"));            // U+FEFF stays ([MQTT-1.5.4-3])
  CHECK(valid_utf8("\xef\xbf\xbf"));            // a non-character is no error
  CHECK(valid_utf8("\xed\x9f\xbf"));            // U+D7FF, the last before the surrogates
  CHECK(valid_utf8("\xee\x80\x80"));            // U+E000, the first after them
  CHECK(valid_utf8("\xf4\x8f\xbf\xbf"));        // U+10FFFF
  CHECK_FALSE(valid_utf8("\xf4\x90\x80\x80"));  // above it
  CHECK_FALSE(valid_utf8("\xed\xa0\x80"));      // U+D800
  CHECK_FALSE(valid_utf8("\xed\xbf\xbf"));      // U+DFFF
  CHECK_FALSE(valid_utf8("\xc0\xaf"));          // overlong
  CHECK_FALSE(valid_utf8("\xc1\xbf"));
  CHECK_FALSE(valid_utf8("\xe0\x9f\xbf"));
  CHECK_FALSE(valid_utf8("\xf0\x8f\xbf\xbf"));
  CHECK_FALSE(valid_utf8("\x80"));
  CHECK_FALSE(valid_utf8("\xff"));
  CHECK_FALSE(valid_utf8("\xf8\x88\x80\x80\x80"));
  CHECK_FALSE(valid_utf8("\xe2\x82"));  // cut off
}

TEST_CASE("a bad byte is found at every place of strings of every length") {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string s(size, 'x');
      CHECK(valid_utf8(s));
      CHECK(valid_topic_name(s));
      s[at] = '\0';
      CHECK_FALSE(valid_utf8(s));
      s[at] = '\xff';
      CHECK_FALSE(valid_utf8(s));
      s[at] = '+';
      CHECK_FALSE(valid_topic_name(s));
      CHECK(has_wildcard(s));
      s[at] = '#';
      CHECK_FALSE(valid_topic_name(s));
    }
  }
}

TEST_CASE("topic names [5:4.7.3-1 3:4.7.3-1 5:4.7.3-3 3:4.7.3-3]") {
  CHECK(valid_topic_name("/"));
  CHECK(valid_topic_name("a b"));
  CHECK_FALSE(valid_topic_name(""));
  CHECK(valid_topic_name(std::string(65535, 'a')));
  CHECK_FALSE(valid_topic_name(std::string(65536, 'a')));
}

TEST_CASE(
    "topic filters [5:4.7.1-1 5:4.7.1-2 3:4.7.1-2 3:4.7.1-3 5:4.7.3-1 3:4.7.3-1 5:4.8.2-1 "
    "5:4.8.2-2]") {
  for (const char* good : {"#", "+", "/", "a", "a/#", "+/+", "a/+/b", "/+", "a//b", "$SYS/#",
                           "$share", "$shared/x", "$share/g/a", "$share/g/#", "$share/g//"}) {
    CAPTURE(good);
    CHECK(valid_topic_filter(good));
  }
  for (const char* bad :
       {"", "a#", "a/#/b", "##", "a+", "+a/b", "a/b+", "#/", "$share/", "$share/g", "$share/g/",
        "$share//a", "$share/g+/a", "$share/#/a", "$share/g/a#"}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_topic_filter(bad));
  }
  CHECK_FALSE(valid_topic_filter(std::string(65536, 'a')));
}

TEST_CASE("matching follows the examples of section 4.7 [5:u4.7.1-1 5:4.7.2-1 3:4.7.2-1]") {
  const auto yes = [](const char* filter, const char* topic) {
    CAPTURE(filter);
    CAPTURE(topic);
    CHECK(topic_matches(filter, topic));
  };
  const auto no = [](const char* filter, const char* topic) {
    CAPTURE(filter);
    CAPTURE(topic);
    CHECK_FALSE(topic_matches(filter, topic));
  };
  yes("sport/tennis/player1/#", "sport/tennis/player1");
  yes("sport/tennis/player1/#", "sport/tennis/player1/ranking");
  yes("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon");
  yes("sport/#", "sport");
  yes("#", "a/b/c");
  yes("sport/tennis/+", "sport/tennis/player1");
  no("sport/tennis/+", "sport/tennis/player1/ranking");
  no("sport/+", "sport");
  yes("sport/+", "sport/");
  yes("+/+", "/finance");
  yes("/+", "/finance");
  no("+", "/finance");
  no("#", "$SYS/monitor/Clients");
  no("+/monitor/Clients", "$SYS/monitor/Clients");
  yes("$SYS/#", "$SYS/monitor/Clients");
  yes("$SYS/monitor/+", "$SYS/monitor/Clients");
  no("ACCOUNTS", "Accounts");
  no("a/b", "a");
  no("a", "a/b");
  no("a/b", "a/bc");
  yes("a//b", "a//b");
  yes("a/+/b", "a//b");
  no("a/#", "ab");
  no("a", "a/");
}

TEST_CASE("shared filters split into group and filter") {
  CHECK(split_shared("$share/g/a/#").group == "g");
  CHECK(split_shared("$share/g/a/#").filter == "a/#");
  CHECK(split_shared("a/b").group.empty());
  CHECK(split_shared("a/b").filter == "a/b");
  CHECK(split_shared("$share/g").group.empty());
}
