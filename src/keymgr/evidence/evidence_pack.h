// The evidence pack of one volser (K12): everything that this key server knows about a cartridge's keys, but
// the keys, signed, for somebody who checks it without the server (docs/formats/evidence.md). Stateless;
// thread-safe; waits for the disk.
#pragma once

#include <string>
#include <string_view>

#include "keymgr/key_manager.h"

namespace tapewarden::keymgr {

// A pack holds all or nothing: beyond these it is refused rather than cut.
inline constexpr std::size_t kMaximumEvidenceRows = 20'000;
inline constexpr std::size_t kMaximumEvidenceLines = 20'000;

// Where this server's audit record lies. Borrowed.
struct AuditFolder {
  Disk* disk = nullptr;
  std::string directory;
};

// The signed file, as proof/signed_document.h reads it. Leaves an audit record, which the pack holds too.
// kInvalidArgument for a volser that is none; kNotFound when the ledger knows nothing of it; kExhausted
// beyond the limits; kCorrupt when the audit record is damaged.
Result<std::string> make_evidence(KeyManager& manager, const AuditFolder& audit, const Actor& actor,
                                  std::string_view volser);

}  // namespace tapewarden::keymgr
