// The first part of a backup file (docs/formats/backup.md): what the file is, who made it, and the file's key
// sealed to a passphrase or to recipients. In clear, so that a file says what opens it; covered by the
// signature and by every chunk's tag. Values; pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/env.h"
#include "base/uuid.h"
#include "crypto/certificate.h"
#include "crypto/kdf.h"
#include "store/commit_log.h"

namespace tapewarden::keymgr::backup {

inline constexpr std::string_view kMagic = "TWBACKUP";
inline constexpr std::uint16_t kVersion = 1;

enum class FileKind : std::uint8_t {
  kKeystore = 1,  // rows and site files
  kAudit = 2,     // lines of the audit record
};

// CMS EnvelopedData in DER whose content is the file key, under scrypt(passphrase, salt, 32 bytes).
struct PassphraseSeal {
  crypto::ScryptCost cost;
  std::array<std::uint8_t, 32> salt{};
  Bytes envelope;
};
// The same to recipients' public keys.
struct RecipientSeal {
  Bytes envelope;
};
using Seal = std::variant<PassphraseSeal, RecipientSeal>;

struct FileHeader {
  FileKind kind = FileKind::kKeystore;
  Uuid server;
  std::string server_name;
  std::uint64_t epoch = 0;  // grows with each restore of the server
  std::string target;
  std::string domain;           // failure domain of the target
  std::uint32_t base = 0;       // from 1, per target; of an audit file: its number
  std::uint32_t increment = 0;  // 0: a base
  // A keystore file holds the rows of the commits after `from` up to `to`; of an audit file both are line
  // numbers, and to.head is the chain after the last of them.
  std::uint64_t from = 0;
  store::CommitMark to;
  Hash256 predecessor{};  // SHA-256 of the whole file before; zero for a base
  WallTime created{};
  Bytes signer;  // certificate, DER
  Seal seal;

  bool is_base() const { return increment == 0; }
};

// Magic, version, length and header: the file's first bytes.
Bytes encode_header(const FileHeader& header);
// The header's bytes from the length on are in `encoded` whole; what encode_header() made. kCorrupt naming
// the field; kUnsupported for a newer version.
Result<FileHeader> decode_header(ByteView encoded);
// How many bytes the header has, from the file's first kHeaderStart bytes.
inline constexpr std::size_t kHeaderStart = 14;
Result<std::size_t> header_size(ByteView start);

// "primary-2f1c0c9a-e00001-b00003-i00017-20261121T024032Z.twb"; audit files have "a" for "b" and no "i".
std::string file_name(const FileHeader& header);
inline constexpr std::string_view kFileSuffix = ".twb";
inline constexpr std::string_view kPartSuffix = ".part";  // while it is written

}  // namespace tapewarden::keymgr::backup
