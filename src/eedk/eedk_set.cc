#include "eedk/eedk_set.h"

#include "base/assert.h"
#include "eedk/ekm_code.h"
#include "eedk/tags.h"

namespace tapewarden::eedk {

namespace {

constexpr std::int32_t kSetVersion = 1;
constexpr ttlv::Limits kSetLimits{.bytes = kMaxEedkSetBytes, .depth = 3, .items = 32};
constexpr ttlv::Limits kSealLimits{.bytes = 512, .depth = 1, .items = 4};
constexpr std::string_view kSealPrefix{"tapewarden eedk seal v1\0", 24};

// Everything that the seal's signature covers.
void write_content(ttlv::Writer& out, const EedkSet& set) {
  TW_ASSERT(!set.eedks.empty() && set.eedks.size() <= kMaxEedks);
  out.begin(kTagSealedContent).add_integer(kTagVersion, kSetVersion);
  out.add_bytes(kTagVolume, set.volume.view()).add_bytes(kTagKeyCheckValue, set.key_check);
  for (const Eedk& eedk : set.eedks) write(out, eedk);
  if (set.seal) {
    out.add_bytes(kTagSealServer, set.seal->server.view());
    out.add_bytes(kTagSealCertificate, set.seal->certificate);
  }
  out.end();
}

Result<Seal> read_seal_names(ttlv::Cursor& in) {
  Seal out;
  out.server = Uuid{TRY(in.array<16>(kTagSealServer))};
  out.certificate = TRY(in.array<32>(kTagSealCertificate));
  return out;
}

Result<EedkSet> read_content(ttlv::Cursor in) {
  EedkSet out;
  (void)TRY(in.integer(kTagVersion, kSetVersion, kSetVersion));
  out.volume = Uuid{TRY(in.array<16>(kTagVolume))};
  out.key_check = TRY(in.array<crypto::kKeyCheckBytes>(kTagKeyCheckValue));
  do {
    out.eedks.push_back(TRY(read_eedk(in)));
  } while (in.next_is(kTagEedk) && out.eedks.size() < kMaxEedks);
  if (in.next_is(kTagSealServer)) out.seal = TRY(read_seal_names(in));
  TRY(in.finish());
  return out;
}

Result<EedkSet> read_fields(ttlv::Cursor in) {
  EedkSet out = TRY(read_content(TRY(in.structure(kTagSealedContent))));
  if (out.seal) out.seal->signature = to_bytes(TRY(in.bytes(kTagSealSignature, kMaxSignatureBytes)));
  TRY(in.finish());
  return out;
}

}  // namespace

void write(ttlv::Writer& out, const EedkSet& set) {
  out.begin(kTagEedkSet);
  write_content(out, set);
  if (set.seal) {
    TW_ASSERT(set.seal->signature.size() <= kMaxSignatureBytes);
    out.add_bytes(kTagSealSignature, set.seal->signature);
  }
  out.end();
}

Result<EedkSet> read_eedk_set(ttlv::Cursor& in) {
  return read_fields(TRY(in.structure(kTagEedkSet)));
}

Bytes encode(const EedkSet& set) {
  ttlv::Writer out;
  write(out, set);
  return out.take();
}

Result<EedkSet> decode_eedk_set(ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kSetLimits, tag_name));
  return read_fields(TRY(ttlv::Cursor::over(document.root(), kTagEedkSet)));
}

Bytes encode(const Seal& seal) {
  TW_ASSERT(seal.signature.size() <= kMaxSignatureBytes);
  ttlv::Writer out;
  out.begin(kTagSeal).add_bytes(kTagSealServer, seal.server.view());
  out.add_bytes(kTagSealCertificate, seal.certificate).add_bytes(kTagSealSignature, seal.signature).end();
  return out.take();
}

Result<Seal> decode_seal(ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kSealLimits, tag_name));
  auto in = TRY(ttlv::Cursor::over(document.root(), kTagSeal));
  Seal out = TRY(read_seal_names(in));
  out.signature = to_bytes(TRY(in.bytes(kTagSealSignature, kMaxSignatureBytes)));
  TRY(in.finish());
  return out;
}

Bytes seal_message(const EedkSet& set) {
  TW_ASSERT(set.seal.has_value());
  ttlv::Writer content;
  write_content(content, set);
  ByteWriter out;
  out.text(kSealPrefix).bytes(content.take());
  return out.take();
}

void seal(EedkSet& set, const Uuid& server, const crypto::Certificate& certificate,
          const crypto::PrivateKey& key) {
  set.seal = Seal{server, certificate.fingerprint(), {}};
  set.seal->signature = key.sign(seal_message(set));
}

Status verify_seal(const EedkSet& set, const crypto::Certificate& certificate) {
  const auto refuse = [](std::string message) {
    return fail_ekm(
        ErrorCode::kPermissionDenied, EkmCode::kInvalidSignature, std::move(message), "seal",
        "a cartridge without a trusted seal is read-only: append needs the ledger's copy of its EEDKs");
  };
  if (!set.seal) return refuse("the EEDKs carry no seal");
  const auto key = certificate.public_key();
  if (!key || key->kind() != crypto::KeyKind::kEcP256 ||
      !key->verify(seal_message(set), set.seal->signature)) {
    return refuse("the seal of the EEDKs does not fit them");
  }
  return {};
}

}  // namespace tapewarden::eedk
