#include "taped/seal_watch.h"

#include <limits>

#include "base/real_env.h"
#include "tape/medium/full_scan.h"
#include "tape/medium/header_areas.h"

namespace tapewarden::testing {

Status SealWatch::note(const tape::SessionSalt& salt, std::uint64_t counter, const Hash256& content) {
  const auto [entry, fresh] = seen_.emplace(std::pair(salt, counter), content);
  if (fresh || entry->second == content) return {};
  return fail(ErrorCode::kCorrupt, "IV " + std::to_string(counter) + " of a session was used twice");
}

Status SealWatch::look(const std::string& path) {
  RealDisk disk;
  Disk& real = disk;
  const auto file = TRY(real.open(path, OpenMode::kRead));
  const auto superblocks = TRY(tape::SuperblockPair::load(*file));
  tape::RecordStream stream(*file, superblocks.current().volume);
  const auto look_at = [&](const tape::RecordHeader& header, std::uint64_t offset) -> Status {
    const auto* session = TRY(stream.session(header.session_id));
    const auto salt = session->info.salt;
    const auto body = stream.body_at(header, offset);
    return note(salt, header.counter, body ? crypto::sha256(*body) : Hash256{});
  };
  tape::ScanVisitor visitor;
  visitor.record = [&](const tape::RecordHeader& header, const tape::ChainState& before, bool) -> Status {
    return header.encrypted ? look_at(header, before.offset) : Status();
  };
  visitor.fault = [](const Error&, std::uint64_t, std::uint64_t) {};
  const auto end = TRY(tape::scan_records(stream, superblocks.current(), TRY(file->size()), visitor));
  const auto torn = stream.header_at(end.end.offset, std::numeric_limits<std::int64_t>::max());
  if (torn && torn->encrypted && stream.session(torn->session_id)) return look_at(*torn, end.end.offset);
  return {};
}

}  // namespace tapewarden::testing
