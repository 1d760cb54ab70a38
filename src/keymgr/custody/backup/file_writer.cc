#include "keymgr/custody/backup/file_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/kdf.h"
#include "keymgr/custody/backup/chunk.h"

namespace tapewarden::keymgr::backup {

FileKeys derive_file_keys(const crypto::SecretBytes& file_key, const Hash256& header_digest) {
  return {crypto::hkdf_sha256(file_key, header_digest, as_bytes("tapewarden backup chunks"), 32),
          crypto::hkdf_sha256(file_key, header_digest, as_bytes("tapewarden backup secrets"), 32)};
}

Bytes SecretSealer::seal(ByteView associated, const crypto::SecretBytes& secret) {
  const crypto::GcmIv iv = crypto::counter_iv(counter_++);
  Bytes box(secret.size() + crypto::kBoxOverhead);
  const MutableByteView out(box);
  copy_bytes(out, iv);
  const auto tag =
      cipher_.seal(iv, associated, secret.reveal(), out.subspan(crypto::kGcmIvBytes, secret.size()));
  copy_bytes(out.last(crypto::kGcmTagBytes), tag);
  return box;
}

Result<crypto::SecretBytes> SecretSealer::open(ByteView associated, ByteView box) {
  if (box.size() < crypto::kBoxOverhead) return fail(ErrorCode::kCorrupt, "a sealed secret is cut short");
  crypto::GcmIv iv;
  copy_bytes(iv, box.first(crypto::kGcmIvBytes));
  crypto::GcmTag tag;
  copy_bytes(tag, box.last(crypto::kGcmTagBytes));
  auto secret = crypto::SecretBytes::zeros(box.size() - crypto::kBoxOverhead);
  TRY(cipher_.open(iv, associated, box.subspan(crypto::kGcmIvBytes, secret.size()), tag,
                   secret.reveal_mutable()));
  return secret;
}

Bytes signed_message(const Hash256& digest) {
  ByteWriter message;
  message.text("tapewarden backup signature\n").bytes(digest);
  return message.take();
}

Bytes chunk_associated(const Hash256& header_digest, std::uint32_t frame) {
  ByteWriter out;
  out.bytes(header_digest).u32(frame);
  return out.take();
}

crypto::GcmIv chunk_iv(std::uint64_t number, bool final) {
  crypto::GcmIv iv = crypto::counter_iv(number);
  if (final) iv[0] = 1;
  return iv;
}

FileWriter::FileWriter(Env env, std::string directory, const FileHeader& header,
                       const crypto::SecretBytes& file_key)
    : env_(env),
      directory_(std::move(directory)),
      name_(file_name(header)),
      header_(encode_header(header)),
      header_digest_(crypto::sha256(header_)),
      keys_(derive_file_keys(file_key, header_digest_)),
      chunks_(keys_.chunks),
      sealer_(keys_.secrets) {
  buffer_.reserve(kChunkBytes);
}

Result<std::unique_ptr<FileWriter>> FileWriter::create(Env env, const std::string& directory,
                                                       const FileHeader& header,
                                                       const crypto::SecretBytes& file_key) {
  std::unique_ptr<FileWriter> writer(new FileWriter(env, directory, header, file_key));
  const std::string path = directory + "/" + writer->name_;
  if (env.disk->exists(path)) {
    return fail(ErrorCode::kAlreadyExists, path + " is there already", "directory",
                "wait a second, or give each server a directory of its own");
  }
  writer->file_ = TRY(env.disk->open(path + std::string(kPartSuffix), OpenMode::kCreateNew, 0600));
  TRY(writer->put(writer->header_));
  return writer;
}

FileWriter::~FileWriter() {
  if (finished_ || file_ == nullptr) return;
  file_.reset();
  (void)env_.disk->remove(directory_ + "/" + name_ + std::string(kPartSuffix));
}

Status FileWriter::put(ByteView bytes) {
  TRY(file_->write_at(offset_, bytes));
  offset_ += bytes.size();
  hash_.update(bytes);
  return {};
}

Status FileWriter::seal_chunk(bool final) {
  const auto frame = static_cast<std::uint32_t>(buffer_.size()) | (final ? kFinalChunk : 0U);
  ByteWriter head;
  head.u32(frame);
  sealed_.resize(buffer_.size() + crypto::kGcmTagBytes);
  const MutableByteView out(sealed_);
  const auto tag = chunks_.seal(chunk_iv(chunk_++, final), chunk_associated(header_digest_, frame), buffer_,
                                out.first(buffer_.size()));
  copy_bytes(out.last(crypto::kGcmTagBytes), tag);
  buffer_.clear();
  TRY(put(head.view()));
  return put(sealed_);
}

Status FileWriter::write(ByteView content) {
  while (!content.empty()) {
    // A full chunk waits until it is known not to be the last.
    if (buffer_.size() == kChunkBytes) TRY(seal_chunk(false));
    const auto part = content.first(std::min(content.size(), kChunkBytes - buffer_.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    content = content.subspan(part.size());
  }
  return {};
}

// What the disk gives back must be what was written.
Result<Hash256> FileWriter::read_back() const {
  crypto::Sha256 before_signature;
  crypto::Sha256 whole;
  Bytes buffer(1U << 20);
  for (std::uint64_t at = 0; at < offset_;) {
    const std::size_t got = TRY(file_->read_at(at, buffer));
    if (got == 0) break;
    const auto part = ByteView(buffer).first(got);
    whole.update(part);
    if (at < content_end_) {
      before_signature.update(part.first(std::min<std::uint64_t>(got, content_end_ - at)));
    }
    at += got;
  }
  if (before_signature.finish() == digest_) return whole.finish();
  return fail(ErrorCode::kCorrupt, "the disk does not give back what was written to " + name_, "directory",
              "check the disk, or use another directory");
}

Result<WrittenFile> FileWriter::finish(const crypto::PrivateKey& signing_key) {
  TRY(seal_chunk(true));
  content_end_ = offset_;
  digest_ = hash_.finish();
  ByteWriter end;
  end.bytes16(signing_key.sign(signed_message(digest_)));
  TRY(put(end.view()));
  TRY(file_->sync());
  const Hash256 whole = TRY(read_back());
  const std::string path = directory_ + "/" + name_;
  TRY(env_.disk->rename(path + std::string(kPartSuffix), path));
  finished_ = true;
  TRY(env_.disk->sync_directory(directory_));
  return WrittenFile{name_, offset_, whole};
}

}  // namespace tapewarden::keymgr::backup
