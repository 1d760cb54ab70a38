// The file that carries data keys to another site (docs/formats/shared-keys.md): header in clear with the
// file's key sealed to the recipient's certificate, content in authenticated chunks, the sender's signature.
//
//   read_file() ─▶ the caller trusts the signer, and opens the envelope ─▶ open_content()
//
// Invariants
//  F1 No data key stands in a buffer in clear: within the content each is a box under a key of its own.
//  F2 read_file() gives only a file whose signature fits the certificate in it; who that is, the caller asks.
//  F3 open_content() gives keys only when every chunk's tag fits and the last one was there.
// Values; one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "keymgr/custody/backup/file_writer.h"
#include "keymgr/rows.h"

namespace tapewarden::keymgr::sharing {

inline constexpr std::string_view kMagic = "TWSHARED";
inline constexpr std::uint16_t kVersion = 1;

struct FileHeader {
  Uuid id;  // of this file
  WallTime made{};
  std::string from;  // the sender's name, for people
  Uuid server;       // that made it
  std::uint32_t keys = 0;
  Hash256 recipient{};           // SHA-256 of the certificate that the file key is sealed to
  Hash256 recipient_identity{};  // the fingerprint of the partner whom the sender meant
  Bytes signer;                  // the sender's identity certificate, DER
  Bytes envelope;                // CMS EnvelopedData in DER; its content is the file key
};

// Magic, version, length and header: the file's first bytes.
Bytes encode_header(const FileHeader& header);
// What encode_header() made, and nothing more. kCorrupt naming the field; kUnsupported for a newer version.
Result<FileHeader> decode_header(ByteView encoded);

// One key on its way. Its secret is a box that FileKeys::secrets opens.
struct SharedKey {
  std::string alias;
  KeyState state = KeyState::kActive;
  StateTimes times;
  Uuid owner;         // the server that alone begins cartridges with it
  std::string group;  // at the sender
  KeyFingerprint fingerprint{};
  Bytes box;
};
// The record of a key, and the bytes that its box is bound to. For the tests and the fuzzer, too.
Bytes encode_key(const SharedKey& key);
Result<SharedKey> decode_key(ByteView body);
Bytes box_place(const SharedKey& key);

backup::FileKeys derive_file_keys(const crypto::SecretBytes& file_key, const Hash256& header_digest);

// Makes a file in memory; what it holds is sealed. One thread.
class FileBuilder {
 public:
  FileBuilder(const FileHeader& header, const crypto::SecretBytes& file_key);
  // `key` without its box. As many as the header says.
  void add(SharedKey key, const crypto::SecretBytes& secret);
  // The whole file. REQUIRES: P-256.
  Bytes finish(const crypto::PrivateKey& signing_key);

 private:
  void put(std::uint8_t type, ByteView body);
  void seal_chunk(bool final);

  Bytes file_;
  Hash256 header_digest_;
  backup::FileKeys keys_;
  crypto::AesGcm chunks_;
  backup::SecretSealer sealer_;
  std::uint64_t chunk_ = 0;
  std::uint32_t count_ = 0;
  Bytes buffer_;
};

// A file whose signature fits its certificate. Views into the input.
struct SignedFile {
  FileHeader header;
  crypto::Certificate signer;
  Hash256 header_digest{};
  ByteView chunks;
  Hash256 digest{};  // SHA-256 of the whole file
};
// kCorrupt: cut short or changed, or no such file at all; kUnsupported.
Result<SignedFile> read_file(ByteView file);

struct SharedContent {
  std::vector<SharedKey> keys;
  crypto::SecretBytes secrets;  // opens the boxes: backup::SecretSealer
};
// kWrongKey: the file key is not the one of this file; kCorrupt: the sender wrote nonsense.
Result<SharedContent> open_content(const SignedFile& file, const crypto::SecretBytes& file_key);
// The content itself, as a sender who means ill could have written it. kCorrupt naming the field.
Result<std::vector<SharedKey>> read_records(ByteView content, std::uint32_t keys);

}  // namespace tapewarden::keymgr::sharing
