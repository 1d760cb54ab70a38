// A key server and one drive that asks it for keys over mutual TLS on the loopback address, each with the
// project's own code at both ends. One thread at a time.
#pragma once

#include <functional>
#include <memory>

#include "apps/dkx_listener.h"
#include "dkx/client/client.h"
#include "dkx/key_request.h"
#include "key_server.h"
#include "net/testing/test_site.h"

namespace tapewarden::bench {

class DkxSite {
 public:
  // The drive's kind decides where its cartridges keep their key: LTO by identifier, 3592 as EEDKs.
  explicit DkxSite(dkx::DriveKind kind);
  ~DkxSite();
  DkxSite(const DkxSite&) = delete;
  DkxSite& operator=(const DkxSite&) = delete;

  // A request for a cartridge, but for nonce and binding, which each attempt fills in.
  dkx::KeyRequest write_by_group();
  dkx::KeyRequest write_by_label();
  dkx::KeyRequest read(const eedk::EedkSet& held);

  using Done = std::function<void(Result<dkx::KeyAnswer>)>;
  // Signs and asks; `done` runs on a thread of the drive when the answer is verified, the data key opened and
  // its key check value compared.
  void ask(dkx::KeyRequest request, Done done);
  // ask() and wait.
  dkx::KeyAnswer ask(const dkx::KeyRequest& request);
  // Keys for the group that write_by_group() names.
  void make_keys(std::size_t count);

  const net::testing::TestSite::Leaf& drive() const { return drive_; }
  const crypto::PrivateKey& wrapping_key() const { return wrapping_key_; }

 private:
  dkx::KeyRequest request(dkx::Intent intent, const Uuid& volume);
  void listen();
  void enrol();
  void connect();
  Result<dkx::KeyAnswer> open(const dkx::KeyRequest& request, const Result<dkx::Answered>& answered) const;

  const dkx::DriveKind kind_;
  net::testing::TestSite tls_;
  net::testing::TestSite::Leaf drive_;  // its identity, and what it shows to TLS
  crypto::PrivateKey wrapping_key_;
  KeyServer server_;
  ThreadPool drive_pool_{workers()};
  net::Loop server_loop_{1};
  net::Loop drive_loop_{1};
  keymgr::RefusalRecords refusals_{*server_.env().clock};
  dkx::ServerDependencies dependencies_;
  std::unique_ptr<net::FramedServer> listener_;
  std::unique_ptr<dkx::Client> client_;
};

}  // namespace tapewarden::bench
