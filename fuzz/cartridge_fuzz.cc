// A cartridge file as it comes from a stranger. The first byte says what the rest is: a superblock, a slot of
// the cartridge memory, a key slot, a record header, a session, an index, or a whole data region. Checksums
// are made to fit, since anybody can do that; tags cannot.
#include <algorithm>

#include "base/crc32c.h"
#include "base/testing/sim_env.h"
#include "fuzz.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"
#include "tape/medium/record.h"
#include "tape/medium/tape_index.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::tape;

constexpr std::size_t kMaxRegionBytes = 1U << 18;
const std::string kPath = "cartridge";

void put_checksum(MutableByteView at, std::uint32_t value) {
  ByteWriter out;
  out.u32(value);
  copy_bytes(at, out.view());
}

Bytes area(ByteView input, std::string_view magic, std::size_t size) {
  Bytes out(size);
  copy_bytes(out, input.first(std::min(input.size(), size)));
  copy_bytes(out, as_bytes(magic));
  put_checksum(MutableByteView(out).last(4), crc32c(ByteView(out).first(size - 4)));
  return out;
}

void try_areas(std::uint8_t kind, ByteView input) {
  if (kind == 0) {
    const auto block = decode_superblock(area(input, kSuperblockMagic, kSuperblockBytes));
    if (block) TW_ASSERT(decode_superblock(encode_superblock(*block))->mark == block->mark);
  } else if (kind == 1) {
    const auto slot = decode_memory_slot(area(input, kMemoryMagic, kMemorySlotBytes));
    if (slot) TW_ASSERT(decode_memory_slot(encode_memory_slot(*slot))->attributes == slot->attributes);
  } else {
    const auto slot = decode_key_slot(area(input, kKeyMagic, kKeySlotBytes));
    if (slot) TW_ASSERT(decode_key_slot(encode_key_slot(*slot))->info == slot->info);
  }
}

void try_records(std::uint8_t kind, ByteView input) {
  if (kind == 3 && input.size() >= kHeaderBytes) {
    Bytes bytes = to_bytes(input.first(kHeaderBytes));
    put_checksum(MutableByteView(bytes).last(4), crc32c(ByteView(bytes).first(kHeaderBytes - 4)));
    const auto header = decode_header(bytes);
    if (header) TW_ASSERT(equal(encode_header(*header), bytes));
  } else if (kind == 4) {
    const auto session = decode_session(input);
    if (session) TW_ASSERT(decode_session(encode_session(*session))->salt == session->salt);
  } else if (kind == 5) {
    const auto index = TapeIndex::decode(input, 1ULL << 40);
    if (index) TW_ASSERT(equal(index->encode(), input));
  }
}

// Makes the checksums of every record fit that can be found by following the lengths.
void fix_records(MutableByteView region) {
  while (region.size() >= kHeaderBytes) {
    ByteReader in(region.subspan(12));
    const std::uint64_t stored = *in.u32("stored length");
    const std::uint64_t body = stored + ((region[6] & 1) != 0 ? kTagBytes : 0);
    if (body > region.size() - kHeaderBytes) return;
    put_checksum(region.subspan(56), crc32c(region.subspan(kHeaderBytes, body)));
    put_checksum(region.subspan(60), crc32c(region.first(60)));
    region = region.subspan(kHeaderBytes + body);
  }
}

void try_region(ByteView input) {
  tapewarden::testing::SimEnv sim(1);
  const Env env = sim.env();
  CartridgeSpec spec;
  spec.volser = "FUZZ01";
  spec.volume.bytes[0] = 1;
  TW_ASSERT(Cartridge::create(env, kPath, spec).has_value());
  Bytes region = to_bytes(input.first(std::min(input.size(), kMaxRegionBytes)));
  fix_records(region);
  TW_ASSERT((*env.disk->open(kPath, OpenMode::kReadWrite))->write_at(kDataStart, region).has_value());

  const auto key = std::make_shared<const DataKey>(crypto::SecretBytes::zeros(kDataKeyBytes));
  auto tape = Cartridge::open(env, kPath, CartridgeMode::kReadWrite);
  if (tape) {
    (*tape)->set_read_key(key);
    const std::uint64_t objects = (*tape)->end_of_data().logical_object;
    for (std::uint64_t i = 0; i <= objects; ++i) {
      (void)(*tape)->next_block();
      (void)(*tape)->read_record();
    }
    (void)(*tape)->space_filemarks(-2);
    (void)(*tape)->locate(objects / 2);
    (void)(*tape)->write_record(as_bytes("appended"));
    TW_ASSERT((*tape)->unload().has_value());
  }
  TW_ASSERT(inspect(env, kPath).has_value());
  VerifyOptions options;
  options.keys = {key};
  TW_ASSERT(verify(env, kPath, options).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView input = ByteView(data, size).subspan(1);
  const auto kind = static_cast<std::uint8_t>(data[0] % 7);
  if (kind <= 2) {
    try_areas(kind, input);
  } else if (kind <= 5) {
    try_records(kind, input);
  } else {
    try_region(input);
  }
  return 0;
}
