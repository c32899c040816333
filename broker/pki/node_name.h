// Whom a node's certificate for the replication link names.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

namespace tandemq::pki {

// "tandemq://plant-1/a", an alternative name of kind URI; what is no letter, digit, '-', '.' or
// '_' stands there as %XX.
std::string node_uri(std::string_view pair_id, std::string_view node);

// All alternative names of kind URI, as they stand there.
std::vector<std::string> uris_in(const X509* certificate);

// Whether one of them is that node's, byte for byte.
bool names_node(const X509* certificate, const std::string& uri);

// Those names for a person: "tandemq://plant-1/a", or "no node".
std::string nodes_in(const X509* certificate);

}  // namespace tandemq::pki
