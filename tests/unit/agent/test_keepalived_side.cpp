// What the agent tells keepalived and hears from it: track file, notify FIFO, process.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "failover/shell/notify_fifo.h"
#include "failover/shell/process_watch.h"
#include "failover/shell/track_file.h"
#include "loop_rig.h"

using namespace tandemq;
using namespace tandemq::failover;

TEST_CASE("notification lines") {
  const auto state = [](const char* line) { return parse_notification(line, "tandemq").state; };
  CHECK(state("INSTANCE \"tandemq\" MASTER 254") == Vrrp::master);
  CHECK(state("INSTANCE \"tandemq\" BACKUP 254") == Vrrp::backup);
  CHECK(state("INSTANCE \"tandemq\" FAULT 254") == Vrrp::fault);
  CHECK(state("INSTANCE \"tandemq\" STOP 254") == Vrrp::unknown);
  CHECK(parse_notification("INSTANCE \"tandemq\" MASTER_RX_LOWER_PRI 254", "tandemq").alarm);
  for (const char* other :
       {"INSTANCE \"other\" MASTER 254", "GROUP \"tandemq\" MASTER 0", "", "x"}) {
    CHECK_FALSE(parse_notification(other, "tandemq").ours);
  }
  CHECK_FALSE(parse_notification("INSTANCE \"tandemq\" DANCING 1", "tandemq").state_known);
}

TEST_CASE("the FIFO hears split lines, skips garbage, and tells of a backlog only the last state") {
  LoopRig rig;
  std::vector<Notification> heard;
  auto fifo = NotifyFifo::open(rig.base, rig.folder / "fifo", "tandemq",
                               [&](const Notification& n) { heard.push_back(n); });
  REQUIRE(fifo);
  const int fd = open((rig.folder / "fifo").c_str(), O_WRONLY | O_NONBLOCK);
  const auto say = [&](const std::string& text) {
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  say("INSTANCE \"tandemq\" BACKUP 254\nINSTANCE \"tandemq\" MASTER 254\ngarbage\nINSTANCE \"tan");
  REQUIRE(rig.until(1000, [&] { return !heard.empty(); }));
  CHECK(heard.size() == 1);
  CHECK(heard[0].state == Vrrp::master);
  say("demq\" FAULT 254\n");
  REQUIRE(rig.until(1000, [&] { return heard.size() == 2; }));
  CHECK(heard[1].state == Vrrp::fault);
  // keepalived goes and comes: the reader sees no end.
  close(fd);
  const int again = open((rig.folder / "fifo").c_str(), O_WRONLY | O_NONBLOCK);
  REQUIRE(again >= 0);
  REQUIRE(write(again, "INSTANCE \"tandemq\" BACKUP 1\n", 28) == 28);
  CHECK(rig.until(1000, [&] { return heard.size() == 3; }));
  close(again);
}

TEST_CASE("a FIFO's place taken by a file is a clear error") {
  LoopRig rig;
  std::ofstream(rig.folder / "fifo") << "x";
  auto fifo = NotifyFifo::open(rig.base, rig.folder / "fifo", "tandemq", {});
  REQUIRE_FALSE(fifo);
  CHECK(fifo.error().code == 3);
}

TEST_CASE("the track file is repaired when it is deleted, emptied, garbled or turned") {
  LoopRig rig;
  const std::string path = rig.folder / "track";
  CHECK_FALSE(TrackFile::read(path).eligible);
  std::vector<std::string> found;
  auto track =
      TrackFile::open(rig.base, path, {}, [&](const std::string& f) { found.push_back(f); });
  REQUIRE(track);
  CHECK_FALSE(TrackFile::read(path).eligible);
  const auto repaired = [&](const char* what) {
    const std::size_t before = found.size();
    CHECK_MESSAGE(rig.until(300, [&] { return found.size() > before; }), what);
    std::string now;
    std::getline(std::ifstream(path), now);
    CHECK(now == "-254");
  };
  unlink(path.c_str());
  repaired("deleted");
  std::ofstream(path, std::ios::trunc).flush();
  repaired("emptied");
  std::ofstream(path, std::ios::trunc) << "banana\n";
  repaired("garbled");
  std::ofstream(path, std::ios::trunc) << "0\n";
  repaired("turned");
  for (unsigned claim = 0; claim <= kClaimMax; ++claim) {
    (*track)->set({true, claim});
    CHECK(TrackFile::read(path) == Standing{true, claim});
  }
}

TEST_CASE("a process's death is an event, and the signal cannot hit another one") {
  LoopRig rig;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  bool died = false;
  ProcessWatch watch(rig.base, [&] { died = true; });
  REQUIRE(watch.watch(child));
  CHECK_FALSE(rig.until(20, [&] { return died; }));
  ::kill(child, SIGSTOP);  // a hung one dies of it as well
  CHECK(watch.kill());
  CHECK(rig.until(2000, [&] { return died; }));
  waitpid(child, nullptr, 0);
  CHECK_FALSE(watch.kill());
  CHECK_FALSE(watch.watch(child));
}

TEST_CASE("a process is known by its number and its start") {
  const ProcessId own = identify(getpid());
  CHECK(own.pid == getpid());
  CHECK(own.started > 0);
  CHECK(identify(getpid()) == own);
  CHECK(identify(0) == ProcessId{});
}
