// A tape drive as the key servers see it: its own identity and wrapping keys, requests signed by it, SEDKs
// that it alone opens; and a connection on which one request after the other is made.
#pragma once

#include <deque>
#include <string>

#include "dkx/body.h"
#include "dkx/signing.h"
#include "harness/test_site.h"
#include "net/client.h"

namespace tapewarden::testing {

// A certificate of the site with its key.
struct Identity {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};
// Issued by the site's authority, valid from and to these days from now (both may be negative).
Result<crypto::Certificate> issue(TestSite& site, const std::string& name, const std::string& unit,
                                  const crypto::PublicKey& key, int from_days = -1, int to_days = 365);

// A granted key with the data key opened and checked against its key check value.
struct ServedKey {
  dkx::KeyRequest request;
  dkx::KeyAnswer answer;
  crypto::SecretBytes data_key;

  const eedk::EedkSet& eedks() const { return std::get<eedk::EedkSet>(answer.to_hold); }
  const dkx::IdentifiedKey& identified() const { return std::get<dkx::IdentifiedKey>(answer.to_hold); }
};

// A value but for its keys; its const functions are thread-safe.
class TestDrive {
 public:
  static Result<TestDrive> make(TestSite& site, const std::string& serial, dkx::DriveKind kind);

  const std::string& serial() const { return serial_; }
  const Identity& identity() const { return identity_; }
  void set_certificate(crypto::Certificate certificate) { identity_.certificate = std::move(certificate); }
  // Adds it to the drive table of the server with its keys pinned.
  Status enrol(RestClient& rest) const;

  // A new request with a new id; nonce and binding are the connection's. `volume`: new for writes.
  dkx::KeyRequest request(dkx::Intent intent) const;
  dkx::KeyRequest write() const { return request(dkx::Intent::kWriteFromBeginning); }
  // What a cartridge that was written with this key would ask.
  dkx::KeyRequest again(dkx::Intent intent, const ServedKey& written) const;
  // The word that the cartridge was written with the key.
  dkx::KeyRequest confirm(const dkx::KeyRequest& request, const dkx::KeyAnswer& answer) const;
  dkx::Enrolment enrolment() const;

  dkx::RequestEnvelope sign(const dkx::KeyRequest& request, std::uint32_t message_id) const;
  // kWrongKey when the key check value does not fit what the SEDK holds.
  Result<crypto::SecretBytes> open(const dkx::KeyRequest& request, const dkx::KeyAnswer& answer) const;

 private:
  TestDrive() = default;
  std::string serial_;
  dkx::DriveKind kind_ = dkx::DriveKind::kLto;
  Identity identity_;
  crypto::PrivateKey wrapping_;
};

// Client options of a DKX connection; the certificate is the engine's (OU=proxy) unless one is given.
Result<net::FramedClientOptions> dkx_options(TestSite& site, Which which, const Identity* identity = nullptr);
dkx::HelloRequest hello_request(Random& random, unsigned nonces);

// One connection, one request at a time. Not thread-safe.
class DriveLink {
 public:
  // Connects and says hello.
  static Result<DriveLink> connect(TestSite& site, Which which, const Identity* identity = nullptr);

  // The request with a nonce and the binding of this connection.
  Result<dkx::KeyRequest> prepare(dkx::KeyRequest request);
  // Sends what is ready and verifies the answer's signature.
  Result<dkx::AnswerBody> exchange(const dkx::RequestEnvelope& envelope);
  Result<dkx::AnswerBody> ask(const TestDrive& drive, dkx::KeyRequest request);
  // Opened and checked. A refusal is error_of() it, its EKM code in `detail`.
  Result<ServedKey> serve(const TestDrive& drive, dkx::KeyRequest request);
  // Whatever bytes, and the answer to them, which must be signed by the server as for no request.
  Result<dkx::AnswerBody> send_raw(Bytes message);
  net::BlockingClient& raw() { return client_; }
  const dkx::ChannelBinding& binding() const { return client_.info().channel_binding; }
  std::uint32_t next_id() { return ++last_id_; }
  // Takes a nonce that the server gave.
  Result<dkx::Nonce> take_nonce();
  void give_back(const dkx::Nonce& nonce) { nonces_.push_back(nonce); }

 private:
  DriveLink(TestSite& site, net::BlockingClient client) : site_(&site), client_(std::move(client)) {}
  Status greet();
  void keep_nonce(const dkx::AnswerBody& body);

  TestSite* site_;
  net::BlockingClient client_;
  crypto::Certificate server_;
  std::deque<dkx::Nonce> nonces_;
  std::uint32_t last_id_ = 0;
};

}  // namespace tapewarden::testing
