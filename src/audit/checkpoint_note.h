// A checkpoint as it is kept elsewhere: at the peer, in a syslog, on paper. What it says of a server's audit
// record can be compared with the record at any time later (verify.h): a record that was cut off, or changed
// and chained anew, no longer holds it. One line of JSON, printable ASCII (docs/formats/audit.md). Values;
// pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/line.h"
#include "crypto/keys.h"

namespace tapewarden::audit {

inline constexpr std::size_t kNotesLimit = 10'000;        // in one text
inline constexpr std::size_t kNotesTextLimit = 8U << 20;  // bytes of one text
inline constexpr std::size_t kServerNameLimit = 256;
inline constexpr std::size_t kNoteSignatureLimit = 256;  // bytes; ECDSA P-256 in DER has at most 72

struct CheckpointNote {
  std::string server;  // whose record it is; for people: the signature proves it
  std::string at;      // 2026-11-21T02:40:32.123Z, by that server's clock
  ChainPoint point;    // the line before the checkpoint's own, and the chain after it
  store::CommitMark mark;
  Bytes signature;  // over checkpoint_message(mark, point)

  bool operator==(const CheckpointNote& other) const;
};

// {"anchor":"tapewarden audit 1","server":…,"at":…,"line":…,"after":…,"commit":…,"head":…,"signature":…}
std::string note_text(const CheckpointNote& note);
// kInvalidArgument saying what is missing.
Result<CheckpointNote> parse_note(std::string_view text);
// Every note of a text, at most one a line; what stands before it in its line (a syslog's prefix) and lines
// without one are passed over. kInvalidArgument naming `against` and the line of what cannot be read, or when
// there is no note at all.
Result<std::vector<CheckpointNote>> parse_notes(std::string_view text);

// Whether `key` signed it.
bool is_signed_by(const CheckpointNote& note, const crypto::PublicKey& key);

}  // namespace tapewarden::audit
