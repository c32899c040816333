// Breaks an invariant, so that tests see what that looks like from outside.
#include "broker/base/check.h"

int main(int argc, char**) {
  TMQ_CHECK(argc < 0);
}
