// A KMIP client of the tests: one connection with a certificate of its own, messages of KMIP 2.1 made and
// read by ttlv/ alone. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/test_drive.h"
#include "kmip/enumerations.h"
#include "kmip/tags.h"
#include "net/client.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::testing {

// What one batch item asks: the operation, and what goes into its payload.
struct Asked {
  kmip::Operation operation;
  std::function<void(ttlv::Writer&)> payload = [](ttlv::Writer&) {};
};

// What one batch item was answered.
struct Answered {
  std::uint32_t status = 0;  // Result Status; 0: success
  std::uint32_t reason = 0;
  std::string message;
  Bytes payload;  // encoded; empty: none

  bool good() const { return status == 0; }
  std::string text(ttlv::Tag tag) const;  // of the payload; empty: it has none
  std::size_t count(ttlv::Tag tag) const;
  Bytes key() const;  // Key Material of a symmetric key
};

// A client's end of TLS, which trusts the site's authority.
Result<net::TlsContext> client_tls(TestSite& site, const Identity& identity);
// One message of KMIP 2.1, with a credential unless `user` is empty; and what its answer has. kCorrupt for an
// answer that is none.
Bytes encode_message(const std::vector<Asked>& batch, const std::string& user = {},
                     const std::string& password = {});
Result<std::vector<Answered>> read_answers(ByteView answer);
// How a client with that certificate connects.
Result<net::FramedClientOptions> kmip_client(TestSite& site, std::uint16_t port, const Identity& identity);

class KmipLink {
 public:
  static Result<KmipLink> connect(TestSite& site, std::uint16_t port, const Identity& identity);

  // One message. kCorrupt for an answer that is none.
  Result<std::vector<Answered>> ask(const std::vector<Asked>& batch);
  // One item.
  Result<Answered> ask(const Asked& item);
  // In every message from now on.
  void use_password(const std::string& user, const std::string& password) {
    user_ = user;
    password_ = password;
  }
  net::BlockingClient& client() { return client_; }

 private:
  explicit KmipLink(net::BlockingClient client) : client_(std::move(client)) {}
  net::BlockingClient client_;
  std::string user_;
  std::string password_;
};

// Requests of the tape library profile: the key of the cartridge whose key-associated data these are.
Asked create_key(const std::string& data, const std::string& barcode);
Asked locate_key(const std::string& data);
Asked get_key(const std::string& id = {});  // empty: that of the placeholder
Asked by_id(kmip::Operation operation, const std::string& id);

}  // namespace tapewarden::testing
