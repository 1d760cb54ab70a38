#include "rows.h"
#include "words.h"

namespace tapewarden::suite {

using namespace words;

std::vector<Row> data_rows() {
  return {
      {"a block of any length comes back",
       {write(1000), write(3, 2), rewind(), read(1000).data(block(1, 1000)), read(3).data(block(2, 3))}},
      {"a block of 1 MiB comes back", {write(1 << 20), rewind(), read(1 << 20).data(block(1, 1 << 20))}},
      {"several fixed blocks come back in one READ",
       {write_fixed(8), rewind(), read_fixed(8).data(block(1, 8 * kFixed))}},
      {"fixed blocks are single blocks to a variable READ",
       {write_fixed(2), rewind(), read(kFixed).data(beginning(block(1, 2 * kFixed), kFixed))}},
      {"variable blocks of the right length are fixed blocks",
       {write(kFixed, 1), write(kFixed, 2), rewind(), read_fixed(1).data(block(1, kFixed)),
        read_fixed(1).data(block(2, kFixed))}},
      {"READ and WRITE of nothing do nothing",
       {write(100), rewind(), read(0), read_fixed(0), read(100).data(block(1, 100))}},
      {"READ of a longer block: ILI, how much it is longer, its beginning",
       {write(1000), write(100, 2), rewind(),
        read(600).incorrect_length().information(-400).data(beginning(block(1, 1000), 600)),
        read(100).data(block(2, 100))}},
      {"READ of a shorter block: ILI, how much it is shorter, the whole of it",
       {write(600), write(100, 2), rewind(),
        read(1000).incorrect_length().information(400).data(block(1, 600)), read(100).data(block(2, 100))}},
      {"SILI: a shorter block is good, with a residual",
       {write(600), rewind(), read_silent(1000).data(block(1, 600))}},
      {"SILI: a longer block tells all the same while a block length is set",
       {write(1000), rewind(),
        read_silent(600).incorrect_length().information(-400).data(beginning(block(1, 1000), 600))}},
      {"SILI and FIXED together are refused",
       {write_fixed(1), rewind(),
        plain("READ FIXED SILI",
              scsi::Read6{.fixed = true, .suppress_incorrect_length = true, .transfer_length = 1}.encode(),
              kFixed)
            .check(codes::kInvalidFieldInCdb),
        read_fixed(1).data(block(1, kFixed))}},
      {"fixed READ meets a longer block: ILI, what is left, the blocks before",
       {write_fixed(2), write(1000, 2), rewind(), read_fixed(4).incorrect_length().information(2)}},
      {"fixed READ meets a shorter block: ILI, what is left, the blocks before",
       {write_fixed(2), write(100, 2), rewind(), read_fixed(4).incorrect_length().information(2)}},
      {"fixed READ meets a filemark: what is left, the blocks before",
       {write_fixed(2), filemarks(1), write_fixed(1, 2), rewind(),
        read_fixed(4).filemark().information(2).data(block(1, 2 * kFixed)),
        read_fixed(1).data(block(2, kFixed))}},
      {"variable READ meets a filemark: all is left, and it is behind it",
       {write(100), filemarks(1), write(200, 2), rewind(), read(100).data(block(1, 100)),
        read(100).filemark().information(100).data({}), read(200).data(block(2, 200))}},
      {"fixed READ at the end of data: blank check and what is left",
       {write_fixed(2), rewind(),
        read_fixed(3).check(codes::kEndOfDataDetected).information(1).data(block(1, 2 * kFixed))}},
      {"variable READ at the end of data: blank check and what is left",
       {write(100), rewind(), read(100).data(block(1, 100)),
        read(100).check(codes::kEndOfDataDetected).information(100).data({})}},
      {"after a WRITE nothing follows: blank check",
       {write(100), write(100), rewind(), write(50, 2), read(100).check(codes::kEndOfDataDetected)}},
      {"filemarks in a row are read one by one",
       {filemarks(3), rewind(), read(10).filemark(), read(10).filemark(), read(10).filemark(),
        read(10).check(codes::kEndOfDataDetected)}},
      {"WRITE FILEMARKS of none writes none",
       {write(10), filemarks(0), rewind(), read(10).data(block(1, 10)),
        read(10).check(codes::kEndOfDataDetected)}},
      {"less data than a fixed WRITE asks for is refused",
       {write(100, 3), plain("WRITE fixed 2 with 100 bytes",
                             scsi::Write6{.fixed = true, .transfer_length = 2}.encode(), 0, block(1, 100))
                           .check(codes::kTransferTooShort)}},
      {"more data than a WRITE asks for are left over as residual",
       {plain("WRITE 100 with 200 bytes", scsi::Write6{.transfer_length = 100}.encode(), 0, block(1, 200))
            .residual(100),
        rewind(), read(100).data(block(1, 100))}},
      {"less room than a READ asks for: what there is room for, and an overflow",
       {write(1000), rewind(),
        plain("READ 1000 into 600", scsi::Read6{.transfer_length = 1000}.encode(), 600)
            .data(beginning(block(1, 1000), 600))
            .residual(-400)}},
      {"variable mode: fixed READ and WRITE are refused",
       {select_block_length(0), write_fixed(1).check(codes::kInvalidFieldInCdb),
        read_fixed(1).check(codes::kInvalidFieldInCdb)}},
      {"MODE SELECT sets another block length, and blocks have it",
       {select_block_length(1000), block_length_is(1000),
        plain("WRITE fixed 2", scsi::Write6{.fixed = true, .transfer_length = 2}.encode(), 0, block(1, 2000)),
        rewind(), read(1000).data(beginning(block(1, 2000), 1000)), select_block_length(0),
        block_length_is(0)}},
  };
}

}  // namespace tapewarden::suite
