// Addresses of sockets in the file system.
#pragma once

#include <sys/un.h>

#include <string>

namespace tandemq {

// False when the path is empty or longer than such an address can hold (107 bytes).
bool unix_address(const std::string& path, sockaddr_un& address);

// True when a process answers there.
bool answers(const sockaddr_un& address);

}  // namespace tandemq
