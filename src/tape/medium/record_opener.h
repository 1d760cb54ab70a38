// Turns stored bytes into what the host wrote: key check, tag, checksum, decompression. Not thread-safe.
// Internal to tape/medium.
#pragma once

#include <map>

#include "crypto/aead.h"
#include "tape/medium/compression.h"
#include "tape/medium/record_stream.h"

namespace tapewarden::tape {

class RecordOpener {
 public:
  // None: encrypted records cannot be opened.
  void set_key(DataKeyHandle key, const Uuid& volume, std::uint8_t partition = 0);
  // That the session is clear, or is sealed with the key that is set.
  bool can_open(const SessionInfo& session) const;

  // Checks and opens a data record, or checks a filemark, end-of-data or sync mark when the key is there.
  // `into` must hold header.host_length bytes. kWrongKey (kKeyMissing, kKeyDiffers), kCorrupt (kTagMismatch
  // when the checksum fits: tampering; kPayloadDamaged otherwise).
  Status open(const RecordHeader& header, ByteView body, const SessionEntry& session, const Link& previous,
              MutableByteView into);
  // After records were cut off: session numbers may come again.
  void forget_sessions() { ciphers_.clear(); }

 private:
  Result<crypto::AesGcm*> cipher_for(std::uint32_t id, const SessionInfo& session);
  Status open_sealed(const RecordHeader& header, ByteView body, const SessionEntry& session,
                     const Link& previous, MutableByteView plain);

  DataKeyHandle key_;
  KeyCheckValue check_value_{};
  Uuid volume_;
  std::uint8_t partition_ = 0;
  std::map<std::uint32_t, crypto::AesGcm> ciphers_;
  Compressor compressor_;
  Bytes packed_;
};

}  // namespace tapewarden::tape
