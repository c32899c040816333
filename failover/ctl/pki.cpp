#include "failover/ctl/pki.h"

#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "broker/pki/issue.h"
#include "broker/pki/node_name.h"
#include "failover/ctl/private_file.h"

namespace tandemq::failover {
namespace {

using nlohmann::json;
using pki::KeyAndCertificate;

constexpr int kAuthorityDays = 3650;
constexpr int kNodeDays = 825;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::size_t kNodeNameMax = 32;  // as node.name has it

// The authority's key and certificate stand in one file, as do a node's: whatever dies when, no two
// files of this folder disagree.
std::string authority_file(const PkiWish& wish) {
  return wish.folder + "/authority.pem";
}
std::string ca_file(const PkiWish& wish) {
  return wish.folder + "/ca.pem";
}

std::int64_t days_left(X509* certificate) {
  const std::int64_t seconds = pki::unix_time(X509_get0_notAfter(certificate)) - std::time(nullptr);
  return seconds >= 0 ? seconds / kSecondsPerDay : -1 - (-seconds - 1) / kSecondsPerDay;
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

Error as_refusal(const Error& error) {
  return {error.message, 1};
}

Result<KeyAndCertificate> read_both(const pki::PemFile& file) {
  Result<std::vector<pki::X509Ptr>> certificates = pki::read_certificates(file);
  if (!certificates) return as_refusal(certificates.error());
  Result<pki::KeyPtr> key = pki::read_private_key(file);
  if (!key) return as_refusal(key.error());
  KeyAndCertificate both{std::move(key).value(), std::move(certificates->front())};
  if (X509_check_private_key(both.certificate.get(), both.key.get()) == 1) return both;
  ERR_clear_error();
  return Error{file.path + " holds a key and a certificate that do not belong together", 1};
}

Result<KeyAndCertificate> read_authority(const PkiWish& wish) {
  const std::string path = authority_file(wish);
  if (!exists(path)) {
    return Error{wish.folder + " holds no authority; `tandemqctl pki init --pair NAME " +
                     wish.folder + "` makes one",
                 1};
  }
  const Status folder = private_folder(wish.folder);
  if (!folder) return folder.error();
  Result<KeyAndCertificate> authority = read_both({"the authority", path});
  if (!authority) return authority;
  if (X509_cmp_current_time(X509_get0_notAfter(authority->certificate.get())) > 0) return authority;
  return Error{"the authority in " + path +
                   " is out of date; make another one (`tandemqctl pki init "
                   "--force`), and issue both nodes' certificates anew",
               1};
}

Status write_ca(const PkiWish& wish, const KeyAndCertificate& authority) {
  return write_whole(ca_file(wish), pki::to_pem(authority.certificate.get()), 0644);
}

// It may be missing, or another one's, after an init that was killed; it may name more than one.
bool ca_file_names(const PkiWish& wish, X509* authority) {
  const Result<std::vector<pki::X509Ptr>> named =
      pki::read_certificates({"the authority's certificate", ca_file(wish)});
  return named && std::any_of(named->begin(), named->end(), [&](const pki::X509Ptr& one) {
           return X509_cmp(one.get(), authority) == 0;
         });
}

bool is_node_name(const std::string& name) {
  const std::string uri = pki::node_uri("", name);
  return !name.empty() && name.size() <= kNodeNameMax && name.front() != '.' &&
         uri.substr(11) == name;
}

json entry_of(const std::string& file, X509* certificate, X509* authority) {
  json out = {{"file", file},
              {"names", pki::nodes_in(certificate)},
              {"days_left", days_left(certificate)},
              {"of_this_authority", false}};
  if (authority != nullptr) {
    out["of_this_authority"] = X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
    ERR_clear_error();
  }
  return out;
}

std::string line_of(const json& entry) {
  const auto days = entry["days_left"].get<std::int64_t>();
  return entry["file"].get<std::string>() + ": " + entry["names"].get<std::string>() +
         (days < 0 ? ", OUT OF DATE since " + std::to_string(-days)
                   : ", good for " + std::to_string(days)) +
         " days" +
         (entry["of_this_authority"].get<bool>() ? "" : ", NOT signed by this authority") + "\n";
}

}  // namespace

Result<json> pki_init(const PkiWish& wish) {
  if (wish.pair.empty()) return Error{"--pair is empty: give replication.pair_id", 1};
  const Status folder = private_folder(wish.folder);
  if (!folder) return folder.error();
  if (exists(authority_file(wish)) && !wish.force) {
    return Error{authority_file(wish) +
                     " is there already; with --force it is replaced, and what "
                     "it has issued is worth nothing where its ca.pem is not",
                 1};
  }
  const Result<KeyAndCertificate> made =
      pki::make_authority(wish.pair, wish.days != 0 ? wish.days : kAuthorityDays);
  if (!made) return as_refusal(made.error());
  Status written =
      write_whole(authority_file(wish),
                  pki::to_pem(made->key.get()) + pki::to_pem(made->certificate.get()), 0600);
  if (written) written = write_ca(wish, *made);
  if (!written) return written.error();
  json out = entry_of(authority_file(wish), made->certificate.get(), made->certificate.get());
  out["text"] =
      line_of(out) + "Now, for each node: tandemqctl pki issue --node NAME " + wish.folder + "\n";
  return out;
}

Status check_node_name(const std::string& folder, const std::string& node) {
  if (!is_node_name(node)) {
    return Error{"\"" + node +
                     "\" is no node.name that a file could have: letters, "
                     "digits, '-', '.' and '_', at most 32",
                 1};
  }
  if (node != "authority" && node != "ca") return Done{};
  return Error{folder + "/" + node +
                   ".pem is a file of the authority's; certificates of a node called so cannot be "
                   "made here",
               1};
}

Result<json> pki_issue(const PkiWish& wish) {
  if (Status name = check_node_name(wish.folder, wish.node); !name) return name.error();
  const std::string path = wish.folder + "/" + wish.node + ".pem";
  const Result<KeyAndCertificate> authority = read_authority(wish);
  if (!authority) return authority.error();
  if (exists(path) && !wish.force) {
    return Error{path + " is there already; --force replaces it by one with another key", 1};
  }
  const Result<KeyAndCertificate> made =
      pki::issue_for(*authority, wish.node, wish.days != 0 ? wish.days : kNodeDays);
  if (!made) return as_refusal(made.error());
  Status written = ca_file_names(wish, authority->certificate.get()) ? Status(Done{})
                                                                     : write_ca(wish, *authority);
  if (written) {
    written = write_whole(path, pki::to_pem(made->key.get()) + pki::to_pem(made->certificate.get()),
                          0600);
  }
  if (!written) return written.error();
  json out = entry_of(path, made->certificate.get(), authority->certificate.get());
  out["text"] = line_of(out) + "On node " + wish.node + ": " + path +
                " as replication.certfile (readable for the broker's user alone), " +
                ca_file(wish) + " as replication.cafile; then `tandemqctl reload`\n";
  return out;
}

Result<json> pki_show(const PkiWish& wish) {
  const Result<std::vector<pki::PemFile>> files = pki::pem_files({"the folder", wish.folder});
  if (!files) return as_refusal(files.error());
  const Result<std::vector<pki::X509Ptr>> authority =
      pki::read_certificates({"the authority's certificate", ca_file(wish)});
  if (!authority) return as_refusal(authority.error());
  json out = {{"certificates", json::array()}};
  std::string text;
  for (const pki::PemFile& file : *files) {
    if (!file.path.ends_with(".pem") || file.path == authority_file(wish)) continue;
    const Result<std::vector<pki::X509Ptr>> found = pki::read_certificates(file);
    if (!found) return as_refusal(found.error());
    const json entry = entry_of(file.path, found->front().get(), authority->front().get());
    text += line_of(entry);
    out["certificates"].push_back(entry);
  }
  out["text"] = text;
  return out;
}

}  // namespace tandemq::failover
