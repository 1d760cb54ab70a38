// Servers that KMIP clients ask over mutual TLS on the loopback address: ours as tapewarden-keyd puts it
// together, PyKMIP's as a process of its own, and one that only echoes. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/kmip_listener.h"
#include "harness/process.h"
#include "key_server.h"
#include "keymgr/objects/managed_objects.h"
#include "net/testing/test_site.h"

namespace tapewarden::bench {

// The authority, and the client's certificate with it.
struct KmipTrust {
  net::testing::TestSite site;
  const net::testing::TestSite::Leaf client = site.client_leaf("library");

  net::TlsContext client_context();  // TLS 1.3, or 1.2 where the server has no other
};

class KmipSite {
 public:
  explicit KmipSite(KmipTrust& trust);
  ~KmipSite();
  KmipSite(const KmipSite&) = delete;
  KmipSite& operator=(const KmipSite&) = delete;

  // The client's keys are so many then, each found by kmip14::application_data() of its place. What one
  // Create leaves (object, terms, data key) is written into the keystore, many at once.
  void fill(unsigned keys);
  // Keys for so many Creates, ready to be taken.
  void make_ready(unsigned keys);
  // Of a key that fill() made. REQUIRES: place < the number of keys.
  const std::string& id_of(unsigned place) const { return ids_.at(place); }
  unsigned keys() const { return static_cast<unsigned>(ids_.size()); }
  std::uint16_t port() const { return listener_->port(); }

 private:
  keymgr::ManagedObject make_model();
  Status put_copies(store::Transaction& transaction, const keymgr::ManagedObject& model, unsigned count);

  KeyServer server_;
  net::Loop loop_{1};
  kmip::Engine engine_{server_.manager(), nullptr, {}};
  std::unique_ptr<net::FramedServer> listener_;
  std::vector<std::string> ids_;
};

// Answers every message with the bytes that were set, when one audit record about it is on the disk: grouped
// and synced by the same writer, on the same TLS stack. It reads nothing and decodes nothing.
class KmipEcho {
 public:
  explicit KmipEcho(KmipTrust& trust);
  ~KmipEcho();
  KmipEcho(const KmipEcho&) = delete;
  KmipEcho& operator=(const KmipEcho&) = delete;

  void set_answer(Bytes answer) { answer_ = std::move(answer); }  // while nobody asks
  std::uint16_t port() const { return listener_->port(); }

 private:
  class Handler;

  KeyServer server_;
  net::Loop loop_{1};
  Bytes answer_;
  std::unique_ptr<net::FramedServer> listener_;
};

// PyKMIP's server (Debian's python3-pykmip) with a database of its own. Throws when it is not there. It ends
// connections that are silent for ten seconds.
class PyKmip {
 public:
  explicit PyKmip(KmipTrust& trust);
  ~PyKmip();  // asks it to end, so that its helpers end too
  PyKmip(const PyKmip&) = delete;
  PyKmip& operator=(const PyKmip&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  Folder folder_;
  std::uint16_t port_ = 0;
  std::optional<testing::Process> process_;
};

}  // namespace tapewarden::bench
