#include "keyproxy/seal_bytes.h"

namespace tapewarden::keyproxy {

namespace {

// server uuid (16) || certificate fingerprint (32) || signature
Bytes encode_seal(const eedk::Seal& seal) {
  return ByteWriter().bytes(seal.server.bytes).bytes(seal.certificate).bytes(seal.signature).take();
}

constexpr std::size_t kSealHeaderBytes = 16 + 32;

Result<eedk::Seal> decode_seal(ByteView bytes) {
  if (bytes.size() <= kSealHeaderBytes || bytes.size() > kSealHeaderBytes + eedk::kMaxSignatureBytes) {
    return fail(ErrorCode::kInvalidArgument, "the seal has no possible size", "seal");
  }
  ByteReader in(bytes);
  eedk::Seal seal;
  seal.server = Uuid::from(TRY(in.bytes(16, "seal server")));
  seal.certificate = TRY(in.array<32>("seal certificate"));
  seal.signature = to_bytes(in.rest());
  return seal;
}

}  // namespace

tape::KeyInfo to_key_info(const eedk::EedkSet& set) {
  tape::KeyInfo info;
  info.method = tape::KeyMethod::kWrappedKey;
  for (const auto& one : set.eedks) info.eedks.push_back(eedk::encode(one));
  if (set.seal) info.signature = encode_seal(*set.seal);
  info.check_value = set.key_check;
  return info;
}

Result<eedk::EedkSet> to_eedk_set(const tape::KeyInfo& info, const Uuid& volume) {
  eedk::EedkSet set;
  set.volume = volume;
  if (!info.check_value)
    return fail(ErrorCode::kInvalidArgument, "no key check value is held", "key check value");
  set.key_check = *info.check_value;
  for (const auto& one : info.eedks) set.eedks.push_back(TRY(eedk::decode_eedk(one)));
  if (set.eedks.empty() || set.eedks.size() > eedk::kMaxEedks) {
    return fail(ErrorCode::kInvalidArgument, "the cartridge holds no EEDK that can be read", "EEDK",
                "repair its key areas from the ledger");
  }
  if (!info.signature.empty()) set.seal = TRY(decode_seal(info.signature));
  return set;
}

}  // namespace tapewarden::keyproxy
