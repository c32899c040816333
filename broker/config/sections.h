// The sections of tandemqd's configuration file: one struct each, handed to whom it concerns.
// docs/configuration.md lists the keys; their defaults stand here, and for [replication], [journal]
// and [limits] with those who live by them (repl::ReplicatorConfig, core::Limits).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/net/connection_limits.h"
#include "broker/net/proxy_settings.h"
#include "broker/net/tls_settings.h"
#include "broker/net/unix_socket.h"
#include "broker/net/websocket_upgrade.h"

namespace tandemq::broker {

struct NodeSection {
  std::string name = "a";
  unsigned index = 1;  // 1 or 2
  std::string data_dir = "/var/lib/tandemq";
  std::string control_socket = "/run/tandemq/broker.sock";
  std::string pid_file;  // empty: none
};

// JSON Web Tokens in the place of passwords.
struct TokenSection {
  std::string keys_file;              // a JSON Web Key Set; empty: none are taken
  std::string issuer;                 // empty: any
  std::vector<std::string> audience;  // a token for an audience must name one of these
  std::string username_claim = "sub";
  std::string rights_claim;  // empty: a token says nothing about rights
  std::uint32_t leeway_s = 30;
  bool require_exp = true;

  bool on() const { return !keys_file.empty(); }
};

// A web server that is asked who may come in.
struct HttpSection {
  std::string url;          // empty: none is asked
  std::string header_file;  // one header that it is asked with; empty: none
  std::string cafile;       // of who signs its certificate; empty: whom this host trusts
  std::uint32_t timeout_ms = 2'000;
  std::uint32_t cache_s = 30;      // what it allowed holds for so long
  std::uint32_t requests_max = 8;  // at once
  bool operator==(const HttpSection&) const = default;

  bool on() const { return !url.empty(); }
  // Without what may be a secret in it.
  std::string shown() const { return url.substr(0, url.find('?')); }
};

// Who may come in and what they may do: [auth], and each listener where it says something else.
struct AccessSection {
  std::optional<bool> allow_anonymous;  // as the file says it
  std::string password_file;            // empty: none
  std::string acl_file;                 // empty: all is allowed
  bool runtime_users = false;           // those of the journal may come in, too
  bool acl_names_with_slash = false;    // %c and %u stand for such names too
  bool use_username_as_clientid = false;
  bool slow_failed_logins = true;
  TokenSection tokens = {};
  HttpSection http = {};

  // Whose entries are read here.
  bool keeps_passwords() const { return !password_file.empty() || runtime_users; }
  bool checks_passwords() const { return keeps_passwords() || http.on(); }
  // A client's word for who it is counts for nothing without a password or a token.
  bool checks_logins() const { return checks_passwords() || tokens.on(); }
};

struct ListenerSection {
  std::string name = "mqtt";
  std::string address = "0.0.0.0";
  std::uint16_t port = 1883;
  std::uint32_t connections_max = 20'000;
  AccessSection access;
  net::TlsSettings tls;
  net::WebSocketSettings web;
  net::UnixSocket socket;  // with a path: instead of address and port
  net::ProxySettings proxy;

  bool is_unix() const { return !socket.path.empty(); }
  // Only those on this host reach it.
  bool is_local() const;
  // "10.0.0.1:1883", "[fd00::1]:1883", "/run/tandemq/mqtt.sock".
  std::string where() const;

  // Where the file does not say it: only those of this host come in without a password, and they
  // only where there are none.
  bool lets_anonymous_in() const;
  // A client's user name is checked, by its password, its token or its certificate.
  bool proves_names() const { return access.checks_logins() || proves_names_otherwise(); }
  // By its token, its certificate or a server's word.
  bool proves_names_otherwise() const {
    return access.tokens.on() || access.http.on() ||
           tls.certificate_username != net::CertificateName::none;
  }
  // A page of anybody's, in a browser that can reach this listener, would be let in without knowing
  // anything: as one of this host, or by the certificate that the browser shows for it.
  bool admits_pages_unseen() const;
  // No client can log in: neither anonymously, nor with a password or token, nor by its
  // certificate.
  bool is_shut() const { return !lets_anonymous_in() && !proves_names(); }
  // The line that opens a listener that is shut.
  std::string line_to_open() const;
};

struct TlsSection {
  std::string ticket_secret_file;  // empty: tickets are good at this node, until it ends
};

struct CheckpointSection {
  std::uint32_t interval_s = 60;
};

struct MetricsSection {
  std::string listen = "127.0.0.1:9883";  // empty: off
};

struct LogSection {
  std::string level = "info";
  std::string target = "stderr";  // or a file
};

}  // namespace tandemq::broker
