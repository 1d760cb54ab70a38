#include "keymgr/custody/backup/audit_series.h"

#include <algorithm>
#include <optional>

#include "audit/segments.h"
#include "keymgr/custody/backup/content.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::size_t kPieceBytes = 1U << 20;
constexpr std::size_t kRecordStart = 5;

std::unexpected<Error> broken(const std::string& file, const std::string& what) {
  return fail(ErrorCode::kCorrupt, "the audit record cannot be backed up: " + file + " " + what,
              "audit record", "check the audit record");
}

// Goes through the audit files from a place on, append by append.
class AuditReading {
 public:
  AuditReading(const AuditPlace& place, std::uint64_t until,
               const std::function<Status(std::string_view)>& take)
      : place_(place), until_(until), take_(take) {}

  // False: `until` is reached.
  Result<bool> read_file(File& file, const std::string& name, std::uint64_t first_line) {
    if (place_.segment != first_line) place_ = {place_.line, place_.chain, first_line, 0};
    const std::uint64_t size = TRY(file.size());
    std::string buffer;
    std::uint64_t at = place_.offset;
    while (at < size) {
      Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size - at)));
      const std::size_t got = TRY(file.read_at(at, piece));
      if (got == 0) break;
      at += got;
      buffer += as_text(ByteView(piece).first(got));
      if (!TRY(take_appends(buffer, name))) return false;
    }
    return true;
  }
  const AuditPlace& place() const { return place_; }

 private:
  // Takes whole appends off the front of the buffer.
  Result<bool> take_appends(std::string& buffer, const std::string& name) {
    std::size_t done = 0;
    std::size_t next = 0;
    audit::ChainPoint point{place_.line, place_.chain};
    for (std::size_t end = buffer.find('\n', next); end != std::string::npos; end = buffer.find('\n', next)) {
      const auto line = audit::parse_line(std::string_view(buffer).substr(next, end - next));
      if (!line || !audit::follow(point, *line)) return broken(name, "does not go on where it should");
      next = end + 1;
      if (!line->end) continue;
      if (point.line > until_) break;
      done = next;
      place_.line = point.line;
      place_.chain = point.chain;
    }
    if (done > 0) TRY(take_(std::string_view(buffer).substr(0, done)));
    place_.offset += done;
    buffer.erase(0, done);
    return place_.line < until_;
  }

  AuditPlace place_;
  const std::uint64_t until_;
  const std::function<Status(std::string_view)>& take_;
};

}  // namespace

Bytes AuditPlace::encode() const {
  ByteWriter out;
  out.u64(line).bytes(chain).u64(segment).u64(offset);
  return out.take();
}

Result<AuditPlace> AuditPlace::decode(ByteView encoded) {
  ByteReader in(encoded);
  AuditPlace out;
  out.line = TRY(in.u64("line"));
  out.chain = TRY(in.array<32>("chain"));
  out.segment = TRY(in.u64("segment"));
  out.offset = TRY(in.u64("offset"));
  TRY(in.expect_done("place"));
  return out;
}

Result<AuditPlace> read_audit(Disk& disk, const std::string& directory, const AuditPlace& place,
                              std::uint64_t until, const std::function<Status(std::string_view)>& take) {
  AuditReading reading(place, until, take);
  for (const std::string& name : TRY(audit::list_segments(disk, directory))) {
    // Held open: a running server may rename it.
    const std::shared_ptr<File> file = TRY(disk.open(directory + "/" + name, OpenMode::kRead));
    const std::uint64_t first = TRY(audit::read_start(file, name)).before.line + 1;
    if (first < place.segment) continue;
    if (!TRY(reading.read_file(*file, name, first))) break;
  }
  return reading.place();
}

Status write_audit_lines(FileWriter& file, std::string_view lines) {
  ByteWriter start;
  start.u8(static_cast<std::uint8_t>(RecordType::kAuditLines)).u32(static_cast<std::uint32_t>(lines.size()));
  TRY(file.write(start.view()));
  return file.write(as_bytes(lines));
}

Status write_audit_end(FileWriter& file, const FileHeader& header) {
  ByteWriter record;
  record.u8(static_cast<std::uint8_t>(RecordType::kEnd)).u32(8 + 32 + 8 + 8);
  record.u64(header.to.sequence).bytes(header.to.head).u64(0).u64(header.to.sequence - header.from);
  return file.write(record.view());
}

Status read_audit_file(FileReader& file, const std::function<Status(std::string_view)>& take) {
  while (true) {
    ByteReader start(TRY(file.read(kRecordStart)));
    const auto type = static_cast<RecordType>(TRY(start.u8("record type")));
    const ByteView body = TRY(file.read(TRY(start.u32("record length"))));
    if (type == RecordType::kAuditLines) {
      TRY(take(as_text(body)));
      continue;
    }
    if (type != RecordType::kEnd)
      return fail(ErrorCode::kCorrupt, "a record has an unknown type", file.path());
    return file.finish();
  }
}

std::vector<FoundFile> audit_series_of(const std::vector<FoundFile>& files, const FileHeader& like) {
  std::vector<FoundFile> out;
  std::ranges::copy_if(files, std::back_inserter(out), [&](const FoundFile& file) {
    const FileHeader& header = file.header;
    // A promotion raises the epoch and the record goes on; a restore begins it anew, with line 1.
    return header.kind == FileKind::kAudit && header.server == like.server && header.epoch <= like.epoch &&
           header.target == like.target;
  });
  std::ranges::sort(out, {}, [](const FoundFile& file) { return file.header.base; });
  // A series that lost a file was begun anew from the first line.
  const auto begins = [](const FoundFile& file) { return file.header.from == 0; };
  const auto last = std::ranges::find_if(out.rbegin(), out.rend(), begins);
  out.erase(out.begin(), last == out.rend() ? out.end() : last.base() - 1);
  // Of two that begin with the same line the later one counts: a run that was killed left the other.
  std::vector<FoundFile> whole;
  for (std::uint64_t line = 0;;) {
    const auto next = std::ranges::find_if(out.rbegin(), out.rend(), [&](const FoundFile& file) {
      return file.header.from == line && file.header.to.sequence > line;
    });
    if (next == out.rend()) break;
    line = next->header.to.sequence;
    whole.push_back(*next);
  }
  return whole;
}

}  // namespace tapewarden::keymgr::backup
