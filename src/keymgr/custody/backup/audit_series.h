// The audit record in backups: a series of sealed files of its own, each with the lines since the one before,
// so that the history survives the machine. Retention never takes any of them away. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/chain.h"
#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/custody/backup/file_writer.h"

namespace tapewarden::keymgr::backup {

// Where a series stands: kept in KnownFile::place, so that a run need not read the record from its beginning.
struct AuditPlace {
  std::uint64_t line = 0;     // the last one in a backup; 0: none
  Hash256 chain{};            // after it
  std::uint64_t segment = 1;  // first line of the audit file that goes on after it
  std::uint64_t offset = 0;   // in that file

  Bytes encode() const;
  static Result<AuditPlace> decode(ByteView encoded);
};

// Gives the lines after `place` that belong to whole appends, with their line ends, to `take`; the place
// after them. `until`: no line beyond this number. kCorrupt when the record does not go on as the place says.
Result<AuditPlace> read_audit(Disk& disk, const std::string& directory, const AuditPlace& place,
                              std::uint64_t until, const std::function<Status(std::string_view lines)>& take);

// The content of an audit backup: records of whole lines, then the end.
Status write_audit_lines(FileWriter& file, std::string_view lines);
Status write_audit_end(FileWriter& file, const FileHeader& header);

// Reads the content of an audit backup and finish()es it. REQUIRES: it is unlocked.
Status read_audit_file(FileReader& file, const std::function<Status(std::string_view lines)>& take);

// The audit files of one server, target and epoch among `files`, in order, up to the first gap; of the newest
// series that begins with the first line.
std::vector<FoundFile> audit_series_of(const std::vector<FoundFile>& files, const FileHeader& like);

}  // namespace tapewarden::keymgr::backup
