// What an operator does with logical volumes (feature row T1): insert, scratch, private, constructs,
// withdraw, delete what has expired. Functions are thread-safe as the parts that they work on.
//
// Catalogue and library are two durable things: a volume is put into the catalogue first and into the library
// then, and leaves them the other way round, so that no host ever meets a cartridge that the engine does not
// know. What an interruption leaves between the two is finished by the same order given again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/operator/limits.h"
#include "engine/operator/parts.h"
#include "engine/residence/expiry.h"

namespace tapewarden::engine {

struct NewVolumes {
  std::vector<std::string> volsers;
  std::uint32_t size_mib = kDefaultVolumeSizeMib;  // one of kVolumeSizesMib
  tape::MediumKind kind = tape::MediumKind::kLto;
  std::string storage_group = std::string(kDefaultConstruct);
  std::string management_class = std::string(kDefaultConstruct);
  std::uint8_t preference = 1;
};
struct InsertedVolumes {
  std::size_t inserted = 0;
  std::size_t found = 0;  // in the catalogue, never written, and not in the library: they are there now
};

// Scratch volumes into free slots of the hosts' library. All or none: kAlreadyExists naming one that is
// known, kInvalidArgument naming the field, kNotFound for a construct; errors of VolumeShelf::put().
Result<InsertedVolumes> insert_volumes(const OperatorParts& parts, const NewVolumes& wanted);

// Each of these: all or none, kNotFound naming the volume.

// Private volumes become scratch: their content stays until a host takes them for something new, or until
// `expire_hours` have passed and delete_expired() comes by. kConflict for one that a drive holds or waits
// for.
Status return_to_scratch(const OperatorParts& parts, const std::vector<std::string>& volsers,
                         std::optional<std::uint32_t> expire_hours);
// Scratch volumes become private again with the content that they had. kConflict for one whose content is
// gone, or that a drive holds or waits for.
Status make_private(const OperatorParts& parts, const std::vector<std::string>& volsers);

struct VolumeChange {
  std::optional<std::string> storage_group = {};
  std::optional<std::string> management_class = {};
  std::optional<std::uint8_t> preference = {};
  ClearLeave leave = ClearLeave::kNo;
};
// Constructs count when a host next unmounts the volume. kInvalidArgument when nothing is to be changed;
// kConflict naming the construct for a volume of a pool that encrypts when the new one's is written in clear,
// without leave.
Status change_volumes(const OperatorParts& parts, const std::vector<std::string>& volsers,
                      const VolumeChange& change);

// Scratch volumes leave the library and the catalogue; their content is gone. One after the other: each line
// says what came of one.
std::vector<OrderLine> withdraw_volumes(const OperatorParts& parts, const std::vector<std::string>& volsers);

// The content of every scratch volume whose time is over and that no drive holds.
Result<DeletedContents> delete_expired(const OperatorParts& parts);

}  // namespace tapewarden::engine
