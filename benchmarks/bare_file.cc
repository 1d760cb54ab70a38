#include "bare_file.h"

#include <filesystem>

#include "crypto/random.h"
#include "harness.h"
#include "support.h"

namespace tapewarden::bench {

BareFile::BareFile(Disk& disk, Random& random, const std::string& path)
    : cipher_(crypto::random_secret(random, crypto::kAesKeyBytes)) {
  std::filesystem::remove(path);
  file_ = must(disk.open(path, OpenMode::kCreate, 0600));
}

void BareFile::write(std::uint64_t number, ByteView record) {
  const MutableByteView sealed(sealed_);
  const auto tag = cipher_.seal(crypto::counter_iv(number), {}, record, sealed.first(kRecordBytes));
  copy_bytes(sealed.last(tag.size()), tag);
  must(file_->write_at(number * kStride, sealed));
}

void BareFile::read(std::uint64_t number, MutableByteView record) {
  must(file_->read_at(number * kStride, sealed_));
  const ByteView sealed(sealed_);
  crypto::GcmTag tag;
  copy_bytes(tag, sealed.last(tag.size()));
  must(cipher_.open(crypto::counter_iv(number), {}, sealed.first(kRecordBytes), tag, record));
}

void BareFile::sync() {
  must(file_->sync());
}

BareCopy::BareCopy(Disk& disk, Random& random, const std::string& folder, std::uint64_t bytes,
                   Earlier earlier)
    : disk_(disk),
      random_(random),
      folder_(folder),
      records_(bytes / BareFile::kRecordBytes),
      earlier_(earlier),
      source_(disk, random, folder + "/bare-source") {
  Bytes record(BareFile::kRecordBytes);
  random_.fill(record);
  for (std::uint64_t i = 0; i < records_; ++i) source_.write(i, record);
  source_.sync();
}

double BareCopy::seconds(std::uint64_t sync_every) {
  if (earlier_ == Earlier::kKept) ++written_;
  BareFile target(disk_, random_, folder_ + "/bare-target-" + std::to_string(written_));
  const std::uint64_t together = sync_every / BareFile::kRecordBytes;
  return seconds_of([&] {
    Bytes record(BareFile::kRecordBytes);
    for (std::uint64_t i = 0; i < records_; ++i) {
      source_.read(i, record);
      target.write(i, record);
      if (together != 0 && (i + 1) % together == 0) target.sync();
    }
    if (together == 0) target.sync();
  });
}

}  // namespace tapewarden::bench
