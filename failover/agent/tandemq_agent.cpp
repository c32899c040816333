#include <cstdio>
#include <cstring>

#include "failover/core/table.h"

int main(int argc, char** argv) {
  if (argc == 2 && !std::strcmp(argv[1], "--print-table")) {
    std::fputs(tandemq::failover::print_table().c_str(), stdout);
    return 0;
  }
  std::fputs("usage: tandemq-agent --print-table\n", stderr);
  return 2;
}
