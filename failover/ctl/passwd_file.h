// `tandemqctl passwd`: lines of a password file as mosquitto_passwd writes them.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace tandemq::failover {

// The text of a password file in which `user` has this entry, in the place where it stood, else at
// the end; of an empty entry: in which it does not stand. All other lines stay as they are. Errors,
// with code 1: a name that a line cannot have, and a user that is to go and is not there.
Result<std::string> with_entry(std::string_view text, const std::string& user,
                               const std::string& entry);

// The same with a file, which is replaced as a whole and keeps owner and mode; where there is none
// one of mode 0600 is made. One that is no password file is left alone, and so is a symbolic link.
// Who changes it meanwhile by this function comes after.
Status change_passwd_file(const std::string& path, const std::string& user,
                          const std::string& entry);

}  // namespace tandemq::failover
