"""Who may include and link whom: the table of docs/ARCHITECTURE, as data."""

# Third-party headers by the name that code and CMake know them by.
LIBRARIES = {
    "libevent": (("event2/",), ("PkgConfig::EVENT",)),
    "openssl": (("openssl/",), ("OpenSSL::SSL", "OpenSSL::Crypto")),
    "wslay": (("wslay/",), ("wslay",)),
    "sqlite": (("sqlite3.h",), ("SQLite::SQLite3",)),
    "curl": (("curl/",), ("CURL::libcurl",)),
    "prometheus": (("prometheus/",), ("prometheus-cpp::pull", "prometheus-cpp::core")),
    "toml": (("toml++/",), ("PkgConfig::TOMLPP",)),
    "json": (("nlohmann/",), ("nlohmann_json::nlohmann_json",)),
    "cli11": (("CLI/",), ("CLI11::CLI11",)),
    "doctest": (("doctest/",), ()),
}


class Layer:
    def __init__(self, target, may_use=(), libraries=(), core=False, system=False):
        self.target = target          # CMake target, None where there is only a program
        self.may_use = may_use        # folders, beside its own
        self.libraries = libraries    # keys of LIBRARIES
        self.core = core              # no clock, no I/O, no randomness, no threads
        self.system = system          # POSIX and Linux headers


LAYERS = {
    "broker/base": Layer("tmq_base", system=True),
    "broker/support": Layer("tmq_support", ("broker/base",),
                            ("libevent", "toml"), system=True),
    "broker/pki": Layer("tmq_pki", ("broker/base", "broker/support"), ("openssl",)),
    "broker/net": Layer("tmq_net", ("broker/base", "broker/support", "broker/pki"),
                        ("libevent", "openssl", "wslay"), system=True),
    "broker/mqtt": Layer("tmq_mqtt", ("broker/base",), core=True),
    "broker/core": Layer("tmq_core", ("broker/base", "broker/mqtt"), core=True),
    "replicator/core": Layer("tmq_repl_core", ("broker/base",), core=True),
    "replicator/journal": Layer("tmq_journal", ("broker/base", "replicator/core"), ("libevent",),
                                system=True),
    "replicator/driver": Layer("tmq_repl_driver",
                               ("broker/base", "replicator/core", "replicator/journal"), core=True),
    "replicator/shell": Layer(
        "tmq_repl_shell",
        ("broker/base", "broker/support", "broker/pki", "replicator/core", "replicator/journal",
         "replicator/driver"),
        ("libevent", "json", "openssl"), system=True),
    "broker/checkpoint": Layer("tmq_checkpoint", ("broker/base", "broker/core", "replicator/core"),
                               ("libevent", "sqlite"), system=True),
    "broker/config": Layer("tmq_config", ("broker/base", "broker/support", "broker/net",
                                          "broker/core", "replicator/core", "replicator/driver")),
    "broker/access": Layer("tmq_access", ("broker/base", "broker/support", "broker/mqtt",
                                          "broker/core", "broker/config"),
                           ("libevent", "openssl", "curl", "json"), system=True),
    # No socket, no library: what it serves comes as net/transport.
    "broker/clients": Layer("tmq_clients", ("broker/base", "broker/support", "broker/net",
                                            "broker/mqtt", "broker/core", "broker/access")),
    "broker/shell": Layer(
        "tmq_broker_shell",
        ("broker/base", "broker/support", "broker/pki", "broker/net", "broker/mqtt", "broker/core",
         "broker/clients", "broker/access", "broker/config", "broker/checkpoint",
         "replicator/core", "replicator/driver", "replicator/shell"),
        ("libevent", "prometheus", "json"), system=True),
    "failover/core": Layer("tmq_failover_core", ("broker/base",), core=True),
    "failover/shell": Layer("tmq_failover_shell", ("broker/base", "broker/support", "failover/core"),
                            ("libevent", "openssl", "curl", "prometheus", "json"), system=True),
    "failover/doctor": Layer("tmq_doctor", ("broker/base",), ("json",), core=True),
    # The programs: a main and what only that program needs.
    "broker/daemon": Layer(None, ("broker/base", "broker/support", "broker/config", "broker/access",
                                  "broker/shell"), ("cli11",)),
    "replicator/journal_dump": Layer(
        None, ("broker/base", "broker/core", "replicator/core", "replicator/journal"),
        ("cli11", "json")),
    "failover/agent": Layer(None, ("broker/base", "broker/support", "failover/core", "failover/shell"),
                            ("cli11", "libevent"), system=True),
    # Of the agent's shell: how it reads its settings, and what keepalived.conf it wants of them. Of
    # the broker: how it reads settings and rules, for `acl check`.
    "failover/ctl": Layer("tmq_ctl", ("broker/base", "broker/support", "broker/config", "broker/access",
                                      "broker/pki", "failover/doctor", "failover/shell"),
                          ("cli11", "json", "openssl"), system=True),
}

STANDARD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno charconv chrono cinttypes climits
cmath compare concepts condition_variable coroutine csignal cstdarg cstddef cstdint cstdio cstdlib
cstring ctime deque exception execution filesystem format forward_list fstream functional future
initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex
scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token
streambuf string string_view strstream syncstream system_error thread tuple type_traits typeindex
typeinfo unordered_map unordered_set utility valarray variant vector version
""".split())

# The compiler's own headers for processor instructions.
STANDARD |= {"immintrin.h", "nmmintrin.h", "smmintrin.h", "arm_acle.h"}

# What a core may not include: clocks, files, terminals, randomness, threads, processes. <cstdio> is not
# here for snprintf's sake; the rule "pure" finds what of it prints or opens.
IMPURE = set("""
atomic barrier chrono condition_variable csignal ctime filesystem fstream future iomanip
iostream istream latch mutex ostream random semaphore shared_mutex stop_token syncstream thread
""".split())


def layer_of(path):
    parts = path.split("/")
    name = "/".join(parts[:2])
    return name if name in LAYERS else None


def library_of(header):
    for name, (prefixes, _) in LIBRARIES.items():
        if any(header.startswith(p) for p in prefixes):
            return name
    return None


def library_of_target(target):
    for name, (_, targets) in LIBRARIES.items():
        if target in targets:
            return name
    return None
