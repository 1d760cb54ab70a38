#include "dkx/hello.h"

#include "base/assert.h"
#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

namespace {

void write_versions(ttlv::Writer& out, const std::vector<Version>& versions) {
  TW_ASSERT(!versions.empty() && versions.size() <= kMaxVersions);
  for (const Version version : versions) write_version(out, kTagSupportedVersion, version);
}

Result<std::vector<Version>> read_versions(ttlv::Cursor& in) {
  std::vector<Version> out;
  do {
    out.push_back(TRY(read_version(in, kTagSupportedVersion)));
  } while (in.next_is(kTagSupportedVersion) && out.size() < kMaxVersions);
  return out;
}

}  // namespace

std::string_view to_string(ServerState state) {
  switch (state) {
    case ServerState::kServing:
      return "serving";
    case ServerState::kReadsOnly:
      return "reads-only";
    case ServerState::kNotServing:
      return "not-serving";
  }
  return "not-serving";
}

Bytes encode(const HelloRequest& hello) {
  TW_ASSERT(hello.nonces <= kMaxNonces);
  ttlv::Writer out;
  out.begin(kTagHelloRequest);
  write_versions(out, hello.versions);
  out.add_bytes(kTagChallenge, hello.challenge).add_integer(kTagNonceCount, hello.nonces).end();
  return out.take();
}

Result<HelloRequest> read_hello_request(ttlv::Cursor in) {
  HelloRequest out;
  out.versions = TRY(read_versions(in));
  out.challenge = TRY(in.array<32>(kTagChallenge));
  out.nonces = static_cast<std::uint8_t>(TRY(in.integer(kTagNonceCount, 0, kMaxNonces)));
  TRY(in.finish());
  return out;
}

Bytes encode(const HelloAnswer& hello) {
  TW_ASSERT(hello.nonces.size() <= kMaxNonces);
  TW_ASSERT(!hello.signing_certificate.empty() && hello.signing_certificate.size() <= kMaxCertificateBytes);
  ttlv::Writer out;
  out.begin(kTagHelloAnswer);
  write_versions(out, hello.versions);
  out.add_bytes(kTagServer, hello.server.view()).add_bytes(kTagCertificate, hello.signing_certificate);
  for (const Nonce& nonce : hello.nonces) out.add_bytes(kTagNonce, nonce);
  out.add_long_integer(kTagServerTime, to_millis(hello.time));
  out.add_enumeration(kTagServerState, hello.state);
  out.add_text(kTagStateText, printable(hello.state_text, kMaxMessageText));
  if (hello.head) {
    out.add_long_integer(kTagServerEpoch, static_cast<std::int64_t>(hello.head->epoch));
    out.add_long_integer(kTagServerCommit, static_cast<std::int64_t>(hello.head->sequence));
  }
  out.end();
  return out.take();
}

Result<HelloAnswer> read_hello_answer(ttlv::Cursor in) {
  HelloAnswer out;
  out.versions = TRY(read_versions(in));
  out.server = Uuid{TRY(in.array<16>(kTagServer))};
  out.signing_certificate = TRY(read_filled_bytes(in, kTagCertificate, kMaxCertificateBytes));
  while (in.next_is(kTagNonce) && out.nonces.size() < kMaxNonces) {
    out.nonces.push_back(TRY(in.array<32>(kTagNonce)));
  }
  out.time = from_millis(TRY(in.long_integer(kTagServerTime)));
  out.state = TRY(in.enumeration(kTagServerState, ServerState::kServing, ServerState::kNotServing));
  out.state_text = TRY(read_printable(in, kTagStateText, 0, kMaxMessageText));
  if (in.next_is(kTagServerEpoch)) {
    const std::int64_t epoch = TRY(in.long_integer(kTagServerEpoch));
    const std::int64_t sequence = TRY(in.long_integer(kTagServerCommit));
    if (epoch < 0 || sequence < 0) {
      return fail(ErrorCode::kInvalidArgument, "a head cannot be negative", "head");
    }
    out.head = ServerHead{static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(sequence)};
  }
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
