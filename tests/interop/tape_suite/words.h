// The words in which the tables of the suite are written: one a command. Each expects GOOD unless told
// otherwise (see step.h).
#pragma once

#include "scsi/cdb.h"
#include "scsi/changer_cdb.h"
#include "scsi/sense_codes.h"
#include "scsi/tape_cdb.h"
#include "step.h"

namespace tapewarden::suite::words {

namespace codes = scsi::sense_codes;

// Of both kinds of units.
Step plain(std::string words, Bytes cdb, std::size_t room = 0, Bytes out = {});
Step ready();
Step inquiry(std::uint16_t room = 96);
Step vital_page(std::uint8_t page);
Step request_sense();
Step mode_sense(std::uint8_t page, std::uint8_t room = 255);
Step prevent_removal();
Step allow_removal();
Step reserve();
Step release();

// Of a drive. Blocks carry the pattern of `seed`.
Step write(std::uint32_t bytes, std::uint8_t seed = 1);
Step write_fixed(std::uint32_t blocks, std::uint8_t seed = 1);
Step read(std::uint32_t bytes);
Step read_silent(std::uint32_t bytes);  // SILI
Step read_fixed(std::uint32_t blocks);
Step filemarks(std::uint32_t count);
Step rewind();
Step space(scsi::SpaceCode code, std::int32_t count);
inline Step space_blocks(std::int32_t count) {
  return space(scsi::SpaceCode::kBlocks, count);
}
inline Step space_filemarks(std::int32_t count) {
  return space(scsi::SpaceCode::kFilemarks, count);
}
inline Step space_to_end() {
  return space(scsi::SpaceCode::kEndOfData, 0);
}
Step locate(std::uint32_t object);
Step locate16(std::uint64_t object);
Step locate_file(std::uint64_t file);
Step position();                // short form
Step at(std::uint64_t object);  // … which must be this
Step at_long(std::uint64_t object, std::uint64_t file);
Step erase();
Step load();
Step unload();
Step block_limits();
Step density_support(bool mounted);
Step log_sense(std::uint8_t page);
Step select_block_length(std::uint32_t bytes);
// MODE SENSE whose block descriptor must tell this length.
Step block_length_is(std::uint32_t bytes);

// Of a changer. Elements by their number: slots from 1, drives from 0.
using Address = std::function<std::uint16_t(const Places&)>;
Address slot(unsigned number);
Address drive(unsigned number);
Address port();
Address transport();
Address nowhere();
Step move(Address from, Address to);
Step exchange(Address source, Address first, Address second);
Step position_to(Address element);
Step initialize();
Step element_status(scsi::ElementType type, bool tags, bool identifiers, std::uint16_t room = 4096);

// What READ ELEMENT STATUS told. The count in its header need not include the header of the page, which tgt
// forgets: a row of its own looks at that.
Result<scsi::ElementStatusData> elements_of(const Answer& answer);

// Bytes that a block of `seed` begins with.
Bytes block(std::uint8_t seed, std::size_t bytes);
Bytes beginning(Bytes block, std::size_t bytes);

// Helpers of look(): where data are as they must be they say nothing.
std::string want(bool holds, const std::string& complaint);

inline constexpr std::uint32_t kFixed = 512;  // the block length at the start of a row

}  // namespace tapewarden::suite::words
