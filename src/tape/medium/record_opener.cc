#include "tape/medium/record_opener.h"

#include "base/assert.h"
#include "base/crc32c.h"

namespace tapewarden::tape {

namespace {
constexpr std::size_t kMaxCiphers = 16;  // prepared at a time
}  // namespace

void RecordOpener::set_key(DataKeyHandle key, const Uuid& volume, std::uint8_t partition) {
  ciphers_.clear();
  key_ = std::move(key);
  volume_ = volume;
  partition_ = partition;
  check_value_ = key_ ? key_->check_value(volume) : KeyCheckValue{};
}

bool RecordOpener::can_open(const SessionInfo& session) const {
  return !session.encrypted() || (key_ && session.check_value == check_value_);
}

Result<crypto::AesGcm*> RecordOpener::cipher_for(std::uint32_t id, const SessionInfo& session) {
  if (!key_) {
    return fail(ErrorCode::kWrongKey, "the record is encrypted and no key is set", "key",
                "set the cartridge's key", detail(MediumFault::kKeyMissing));
  }
  if (session.check_value != check_value_) {
    return fail(ErrorCode::kWrongKey, "the record is encrypted with another key", "key",
                "set the key whose check value is " + to_hex(session.check_value),
                detail(MediumFault::kKeyDiffers));
  }
  const auto found = ciphers_.find(id);
  if (found != ciphers_.end()) return &found->second;
  if (ciphers_.size() >= kMaxCiphers) ciphers_.clear();
  const auto key = key_->session_key(session.salt, volume_, partition_);
  return &ciphers_.emplace(id, crypto::AesGcm(key)).first->second;
}

Status RecordOpener::open_sealed(const RecordHeader& header, ByteView body, const SessionEntry& session,
                                 const Link& previous, MutableByteView plain) {
  crypto::AesGcm* cipher = TRY(cipher_for(header.session_id, session.info));
  crypto::GcmTag tag{};
  copy_bytes(tag, body.last(kTagBytes));
  const ByteView sealed = body.first(header.stored_length);
  const AssociatedData associated = associated_data(header, session.info.salt, previous);
  if (cipher->open(crypto::counter_iv(header.counter), associated, sealed, tag, plain)) return {};
  if (crc32c(body) != header.payload_crc) {
    return fail(ErrorCode::kCorrupt, "stored bytes are damaged", "record", {},
                detail(MediumFault::kPayloadDamaged));
  }
  return fail(ErrorCode::kCorrupt,
              "the key fits, the checksum fits, the tag does not: the record was tampered with", "record",
              "keep the cartridge as evidence and read another copy", detail(MediumFault::kTagMismatch));
}

Status RecordOpener::open(const RecordHeader& header, ByteView body, const SessionEntry& session,
                          const Link& previous, MutableByteView into) {
  TW_ASSERT(into.size() >= header.host_length);
  const MutableByteView host = into.first(header.host_length);
  if (header.compressed && packed_.size() < header.stored_length) packed_.resize(header.stored_length);
  if (header.encrypted) {
    const MutableByteView plain =
        header.compressed ? MutableByteView(packed_).first(header.stored_length) : host;
    TRY(open_sealed(header, body, session, previous, plain));
    return header.compressed ? compressor_.decompress(plain, host) : Status{};
  }
  if (crc32c(body) != header.payload_crc) {
    return fail(ErrorCode::kCorrupt, "stored bytes are damaged", "record", {},
                detail(MediumFault::kPayloadDamaged));
  }
  if (header.compressed) return compressor_.decompress(body, host);
  copy_bytes(host, body);
  return {};
}

}  // namespace tapewarden::tape
