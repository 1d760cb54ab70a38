// The content of a keystore backup: records one after the other (docs/formats/backup.md).
//
//   site file*  ( table  row*  table end )*  end
//
// A record is u8 type, u32 length, body. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/file_writer.h"
#include "store/snapshot.h"

namespace tapewarden::keymgr::backup {

enum class RecordType : std::uint8_t {
  kSiteFile = 1,
  kTable = 2,
  kRow = 3,
  kTableEnd = 4,
  kEnd = 5,
  kAuditLines = 6,
};

// A file that a bare machine needs beside the keystore: configuration, TLS key and certificates.
struct SiteFile {
  std::string path;  // within the server's folder: "tls/server.key"
  unsigned permissions = 0600;
  crypto::SecretBytes content;
};

// Counts of a content, told at its end and checked by the reader.
struct ContentCounts {
  std::uint64_t site_files = 0;
  std::uint64_t rows = 0;
  bool operator==(const ContentCounts&) const = default;
};

// A snapshot on its way into a file that is opened when the snapshot's commit is known.
class ContentWriter final : public store::SnapshotSink, public store::ChangeSealer {
 public:
  using Open = std::function<Result<std::unique_ptr<FileWriter>>(const store::CommitMark&)>;
  ContentWriter(Open open, const std::vector<SiteFile>& files) : open_(std::move(open)), files_(files) {}

  Status begin(const store::CommitMark& mark) override;
  Status begin_table(const store::TableSpec& table) override;
  Status row(const store::SnapshotRow& row) override;
  Status end_table(const store::TableTotals& totals, const store::RowsDigest& digest) override;
  Bytes seal(ByteView associated, const crypto::SecretBytes& secret) override {
    return writer_->sealer().seal(associated, secret);
  }
  Result<crypto::SecretBytes> open(ByteView associated, ByteView box) override {
    return writer_->sealer().open(associated, box);
  }

  // Writes the end and signs. REQUIRES: the snapshot was read whole.
  Result<WrittenFile> finish(const crypto::PrivateKey& signing_key);
  const ContentCounts& counts() const { return counts_; }
  const store::CommitMark& mark() const { return mark_; }

 private:
  Status record(RecordType type, ByteView body);

  Open open_;
  const std::vector<SiteFile>& files_;
  std::unique_ptr<FileWriter> writer_;
  ContentCounts counts_;
  store::CommitMark mark_;
};

// A row with its secrets opened: what a restore and a check look at.
struct ClearRow {
  store::SnapshotRow& row;
  std::vector<crypto::SecretBytes>& secrets;  // one a column
};

// Takes the content of a file as it is read.
class ContentVisitor {
 public:
  virtual ~ContentVisitor() = default;
  virtual Status site_file(SiteFile file) = 0;
  // The program's own table of that name; see store::KeystoreLoader::begin_table().
  virtual Result<const store::TableSpec*> begin_table(const std::string& name,
                                                      const std::vector<std::string>& columns) = 0;
  virtual Status row(const ClearRow& row) = 0;
  // `totals` as the keystore had them after the file's last commit.
  virtual Status end_table(const std::string& name, const store::TableTotals& totals) = 0;
};

// Reads the content to its end and finish()es the file. The digests of the tables' rows, the counts and the
// commit at the end are compared here. kCorrupt naming the file.
Result<ContentCounts> read_content(FileReader& file, ContentVisitor& visitor);

}  // namespace tapewarden::keymgr::backup
