// Reads one backup file. Nothing of the content is given out before its tag is checked, and nothing at all
// before the signature over the whole file is.
//
//   open() ─▶ check_signature() ─▶ unlock() ─▶ read()… ─▶ finish()
//
// One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "keymgr/custody/backup/file_writer.h"

namespace tapewarden::keymgr::backup {

class FileReader {
 public:
  // Reads the header. kNotFound, kCorrupt, kUnsupported.
  static Result<std::unique_ptr<FileReader>> open(Disk& disk, const std::string& path);

  const FileHeader& header() const { return header_; }
  const std::string& path() const { return path_; }
  std::uint64_t bytes() const { return size_; }
  // The certificate in the header; kCorrupt when it is none. Proves nothing by itself: see signers.h.
  Result<crypto::Certificate> signer() const;

  // Reads the whole file once; gives its SHA-256. kCorrupt when it was cut or changed: the signature does not
  // fit the certificate in the header.
  Result<Hash256> check_signature();
  // Prepares reading with the file key. REQUIRES: check_signature() succeeded.
  Status unlock(const crypto::SecretBytes& file_key);
  SecretSealer& sealer() { return keys_->sealer; }

  // The next bytes of the content, as many as asked for; the view holds until the next call. kCorrupt when a
  // chunk's tag does not fit or the content ends before.
  Result<ByteView> read(std::size_t count);
  bool at_end();
  // kCorrupt when content is left, or the file is not the one whose signature was checked.
  Status finish();

 private:
  struct Keys {
    explicit Keys(const FileKeys& keys) : chunks(keys.chunks), sealer(keys.secrets) {}
    crypto::AesGcm chunks;
    SecretSealer sealer;
  };

  FileReader(std::unique_ptr<File> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  Status read_header();
  Result<Bytes> take(std::uint64_t offset, std::size_t count, std::string_view what);
  Status find_signature();
  Status next_chunk();
  std::unexpected<Error> damaged(std::string_view what) const;

  std::unique_ptr<File> file_;
  const std::string path_;
  std::uint64_t size_ = 0;
  FileHeader header_;
  Hash256 header_digest_{};
  std::size_t header_bytes_ = 0;
  std::uint64_t content_end_ = 0;
  Hash256 digest_{};  // of everything before the signature, as check_signature() found it
  std::optional<Keys> keys_;

  crypto::Sha256 hash_;  // of what read() went through
  std::uint64_t offset_ = 0;
  std::uint64_t chunk_ = 0;
  bool final_seen_ = false;
  Bytes plain_;
  std::size_t used_ = 0;  // of plain_
};

}  // namespace tapewarden::keymgr::backup
