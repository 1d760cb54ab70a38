#include "rows.h"
#include "words.h"

namespace tapewarden::suite {

using namespace words;
using scsi::SpaceCode;

namespace {

// Blocks 1 and 2, filemark, blocks 3 and 4, two filemarks, block 5: objects 0 to 7.
std::vector<Step> written(std::vector<Step> then) {
  std::vector<Step> steps = {write(100, 1), write(100, 2), filemarks(1), write(100, 3),
                             write(100, 4), filemarks(2),  write(100, 5)};
  steps.insert(steps.end(), then.begin(), then.end());
  return steps;
}
Step reads(std::uint8_t seed) {
  return read(100).data(block(seed, 100));
}

}  // namespace

std::vector<Row> motion_rows() {
  return {
      {"REWIND goes to the first block", written({rewind(), reads(1)})},
      {"SPACE blocks forward", written({rewind(), space_blocks(1), reads(2)})},
      {"SPACE blocks backward", written({rewind(), reads(1), reads(2), space_blocks(-2), reads(1)})},
      {"SPACE of none moves nothing", written({rewind(), space_blocks(0), space_filemarks(0), reads(1)})},
      {"SPACE blocks forward stops behind a filemark, and tells what is left",
       written({rewind(), space_blocks(3).filemark().information(1), reads(3)})},
      {"SPACE blocks backward stops before a filemark, and tells what is left",
       written({rewind(), space_filemarks(1), reads(3), space_blocks(-3).filemark().information(2),
                read(10).filemark(), reads(3)})},
      {"SPACE blocks to the end of data tells what is left",
       written({space_blocks(-1), space_blocks(4).check(codes::kEndOfDataDetected).information(3),
                read(10).check(codes::kEndOfDataDetected)})},
      {"SPACE blocks back to the beginning tells what is left",
       written({rewind(), reads(1),
                space_blocks(-5).check(codes::kBeginningOfMediumReached).end_of_medium().information(4),
                reads(1)})},
      {"SPACE filemarks forward", written({rewind(), space_filemarks(1), reads(3)})},
      {"SPACE filemarks forward over two in a row", written({rewind(), space_filemarks(3), reads(5)})},
      {"SPACE filemarks backward stops before it",
       written({space_filemarks(-1), read(10).filemark(), reads(5)})},
      {"SPACE filemarks backward over three", written({space_filemarks(-3), read(10).filemark(), reads(3)})},
      {"SPACE filemarks to the end of data tells what is left",
       written({rewind(), space_filemarks(5).check(codes::kEndOfDataDetected).information(2)})},
      {"SPACE filemarks back to the beginning tells what is left",
       written({space_filemarks(-4).check(codes::kBeginningOfMediumReached).end_of_medium().information(1),
                reads(1)})},
      {"SPACE sequential filemarks goes behind two in a row",
       written({rewind(), space(SpaceCode::kSequentialFilemarks, 2), reads(5)})},
      {"SPACE to the end of data: what is written next follows",
       written({rewind(), space_to_end(), read(10).check(codes::kEndOfDataDetected), write(100, 6),
                space_blocks(-2), reads(5), reads(6)})},
      {"SPACE with a code that there is not",
       {plain("SPACE code 7", {0x11, 0x07, 0, 0, 1, 0}).check(codes::kInvalidFieldInCdb)}},
      {"READ POSITION at the beginning", written({rewind(), at(0)})},
      {"READ POSITION counts blocks and filemarks",
       written({at(8), rewind(), reads(1), at(1), space_filemarks(1), at(3)})},
      {"READ POSITION, long form, counts files",
       written({at_long(8, 3), rewind(), space_filemarks(1), at_long(3, 1)})},
      {"READ POSITION with a form that there is not",
       {plain("READ POSITION form 1fh", {0x34, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0}, 20)
            .check(codes::kInvalidFieldInCdb)}},
      {"LOCATE(10) to a block", written({locate(3), at(3), reads(3)})},
      {"LOCATE(16) to a block", written({locate16(4), at(4), reads(4)})},
      {"LOCATE(16) to a file", written({locate_file(1), at(3), reads(3)})},
      {"LOCATE beyond the end of data: blank check, and it is there",
       written({locate(100).check(codes::kEndOfDataDetected), at(8)})},
  };
}

}  // namespace tapewarden::suite
