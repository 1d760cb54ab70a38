#include "eedk/sedk.h"

#include "base/assert.h"
#include "eedk/tags.h"

namespace tapewarden::eedk {

namespace {

Status check_algorithm(WrapAlgorithm algorithm) {
  if (algorithm == WrapAlgorithm::kRsaOaepSha256) return {};
  return fail(ErrorCode::kUnsupported,
              "wrap algorithm " + std::to_string(static_cast<unsigned>(algorithm)) + " is not known here",
              "wrap algorithm", "use a release that has it");
}

}  // namespace

Bytes sedk_oaep_label(const Uuid& volume, const Uuid& request) {
  ByteWriter out;
  out.text("tapewarden sedk").bytes(volume.view()).bytes(request.view());
  return out.take();
}

void write(ttlv::Writer& out, const Sedk& sedk) {
  TW_ASSERT(!sedk.wrapped.empty() && sedk.wrapped.size() <= kMaxWrappedKeyBytes);
  out.begin(kTagSedk).add_enumeration(kTagWrapAlgorithm, sedk.algorithm);
  out.add_bytes(kTagWrappedKey, sedk.wrapped).end();
}

Result<Sedk> read_sedk(ttlv::Cursor& outer) {
  auto in = TRY(outer.structure(kTagSedk));
  Sedk out;
  out.algorithm = TRY(in.enumeration(kTagWrapAlgorithm, WrapAlgorithm{1}, WrapAlgorithm{0xFFFF}));
  out.wrapped = to_bytes(TRY(in.bytes(kTagWrappedKey, kMaxWrappedKeyBytes)));
  if (out.wrapped.empty()) return fail(ErrorCode::kInvalidArgument, "the wrapped key is empty", "SEDK");
  TRY(in.finish());
  return out;
}

Result<Eedk> wrap_eedk(const crypto::SecretBytes& data_key, const crypto::PublicKey& kek, KekLabel label,
                       const Uuid& volume) {
  Eedk out;
  out.label = std::move(label);
  out.wrapped = TRY(kek.wrap(data_key, oaep_label(volume)));
  return out;
}

Result<crypto::SecretBytes> open_eedk(const Eedk& eedk, const crypto::PrivateKey& kek, const Uuid& volume) {
  TRY(check_algorithm(eedk.algorithm));
  return kek.unwrap(eedk.wrapped, oaep_label(volume));
}

Result<Sedk> wrap_sedk(const crypto::SecretBytes& data_key, const crypto::PublicKey& drive_wrapping_key,
                       const Uuid& volume, const Uuid& request) {
  Sedk out;
  out.wrapped = TRY(drive_wrapping_key.wrap(data_key, sedk_oaep_label(volume, request)));
  return out;
}

Result<crypto::SecretBytes> open_sedk(const Sedk& sedk, const crypto::PrivateKey& drive_wrapping_key,
                                      const Uuid& volume, const Uuid& request) {
  TRY(check_algorithm(sedk.algorithm));
  return drive_wrapping_key.unwrap(sedk.wrapped, sedk_oaep_label(volume, request));
}

}  // namespace tapewarden::eedk
