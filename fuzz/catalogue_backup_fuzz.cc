// A backup of the catalogue as it comes from a stranger's cartridge. The first byte says what the rest is:
// the body of one record, the packed bytes of a chunk (its lengths are made to fit), or a whole file, as it
// is or with the records of one chunk.
#include "base/testing/sim_env.h"
#include "engine/rebuild/catalogue_image.h"
#include "engine/rebuild/examination.h"
#include "engine/rebuild/limits.h"
#include "engine/rebuild/record_file.h"
#include "fuzz.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::engine;

// What is taken comes back as it was.
BackupReaders comparing() {
  BackupReaders readers;
  readers.pool = [](const Pool& pool) -> Status {
    TW_ASSERT(decode_pool(encode_record(pool)) == pool);
    return {};
  };
  readers.cartridge = [](const PhysicalVolume& cartridge) -> Status {
    TW_ASSERT(decode_cartridge(encode_record(cartridge)) == cartridge);
    return {};
  };
  readers.volume = [](const LogicalVolume& volume) -> Status {
    TW_ASSERT(check(volume));
    TW_ASSERT(decode_volume(encode_record(volume)) == volume);
    return {};
  };
  return readers;
}

void try_file(const Bytes& file) {
  tapewarden::testing::SimDisk disk;
  {
    auto made = disk.open("file", OpenMode::kCreate, 0600);
    TW_ASSERT((*made)->write_at(0, file));
  }
  (void)read_catalogue_image(disk, "file", comparing());
  (void)read_examination(disk, "file");
}

// A file whose sums fit around what the input says.
void try_records(std::string_view magic, ByteView input) {
  tapewarden::testing::SimDisk disk;
  ByteReader in(input);
  const auto header =
      to_bytes(*in.bytes(std::min<std::size_t>(in.remaining(), input.empty() ? 0 : input[0]), "header"));
  auto file = *RecordFileWriter::create(disk, "file", magic, header);
  while (in.remaining() >= 3) {
    const auto kind = *in.u8("kind");
    const std::size_t told = *in.u16("length");
    const auto length = std::min(told, in.remaining());
    TW_ASSERT(file.append(kind, *in.bytes(length, "body")));
  }
  TW_ASSERT(file.finish());
  try_file(disk.content("file"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxRecordBytes) return 0;
  const auto input = ByteView(data, size).subspan(1);
  switch (data[0] % 13) {
    case 8:
      (void)unpack_chunk({static_cast<std::uint32_t>(input.size() * 4), input});
      break;
    case 9:
      try_file(to_bytes(input));
      break;
    case 10:
      try_records("TWCATBAK", input);
      break;
    case 11:
      try_records("TWEXAMIN", input);
      break;
    default:
      (void)tell_record(data[0] % 13, input, comparing());
  }
  return 0;
}
