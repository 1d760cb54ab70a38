// Writes one backup file: header, content in sealed chunks, signature.
//
// Invariants
//  W1 The file has its final name only when all of it is written, synced and read back: whatever is cut off
//     before leaves a .part file, which no reader takes.
//  W2 Nothing of the content is on disk in clear.
//  W3 No nonce meets a key twice: the file key is random and new, chunks and secrets are counted.
// One thread.
#pragma once

#include <memory>
#include <string>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "keymgr/custody/backup/file_header.h"
#include "keymgr/custody/backup/limits.h"
#include "store/keystore.h"

namespace tapewarden::keymgr::backup {

// Keys of one file, derived from its file key and bound to its header.
struct FileKeys {
  crypto::SecretBytes chunks;
  crypto::SecretBytes secrets;
};
FileKeys derive_file_keys(const crypto::SecretBytes& file_key, const Hash256& header_digest);

// Seals and opens the secrets inside the content (docs/formats/backup.md): so that no buffer of rows holds a
// key in clear. Counts its IVs. One thread.
class SecretSealer final : public store::ChangeSealer {
 public:
  explicit SecretSealer(const crypto::SecretBytes& key) : cipher_(key) {}
  Bytes seal(ByteView associated, const crypto::SecretBytes& secret) override;
  Result<crypto::SecretBytes> open(ByteView associated, ByteView box) override;

 private:
  crypto::AesGcm cipher_;
  std::uint64_t counter_ = 0;
};

// What the signature covers: the digest of all bytes before it.
Bytes signed_message(const Hash256& digest);

struct WrittenFile {
  std::string name;
  std::uint64_t bytes = 0;
  Hash256 digest{};  // of the whole file
};

class FileWriter {
 public:
  // Begins DIRECTORY/NAME.part. kAlreadyExists when the file is there; errors of the disk.
  static Result<std::unique_ptr<FileWriter>> create(Env env, const std::string& directory,
                                                    const FileHeader& header,
                                                    const crypto::SecretBytes& file_key);
  // Removes the .part file unless finish() succeeded.
  ~FileWriter();

  SecretSealer& sealer() { return sealer_; }
  Status write(ByteView content);
  // Ends the content, signs, syncs, reads back, renames, syncs the directory.
  Result<WrittenFile> finish(const crypto::PrivateKey& signing_key);

 private:
  FileWriter(Env env, std::string directory, const FileHeader& header, const crypto::SecretBytes& file_key);
  Status put(ByteView bytes);
  Status seal_chunk(bool final);
  Result<Hash256> read_back() const;

  const Env env_;
  const std::string directory_;
  const std::string name_;
  const Bytes header_;
  const Hash256 header_digest_;
  FileKeys keys_;
  crypto::AesGcm chunks_;
  SecretSealer sealer_;
  std::unique_ptr<File> file_;
  std::uint64_t offset_ = 0;
  std::uint64_t chunk_ = 0;
  crypto::Sha256 hash_;
  std::uint64_t content_end_ = 0;  // where the signature begins
  Hash256 digest_{};               // of what it covers
  Bytes buffer_;
  Bytes sealed_;
  bool finished_ = false;
};

}  // namespace tapewarden::keymgr::backup
