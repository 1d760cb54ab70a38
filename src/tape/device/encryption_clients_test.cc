// What well-known programs send to a drive, byte by byte: the pages are put together here as those programs
// lay them out, not by this project's encoder.
#include "scsi/encryption_capabilities.h"
#include "scsi/encryption_status.h"
#include "tape/device/drive_test_kit.h"

namespace tapewarden::tape::test {
namespace {

const Bytes kKey = key_bytes(5);
constexpr std::uint16_t kStatusPage = 0x0020;
constexpr std::uint16_t kNextBlockPage = 0x0021;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

// Twelve bytes of command for a list of that many bytes.
Bytes spout_cdb(std::size_t size) {
  return {0xb5, 0x20, 0x00, 0x10, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(size), 0, 0};
}

struct ClientBench : Bench {
  using Bench::Bench;
  scsi::Response send(const Bytes& list, scsi::NexusId nexus = kHost) {
    return run(spout_cdb(list.size()), list, nexus);
  }
  Bytes status() { return spin(0x20, kStatusPage, 8192).data_in; }
  Bytes next_block() { return spin(0x20, kNextBlockPage, 8192).data_in; }
  void write_one_and_rewind() {
    EXPECT_GOOD(write(block(1)));
    EXPECT_GOOD(filemarks());
    EXPECT_GOOD(rewind());
  }
};

// stenc: scope ALL I_T NEXUS, CEEM 1, algorithm 1, the key's name as U-KAD.
Bytes stenc_page(std::uint8_t encryption, std::uint8_t decryption, const Bytes& key, const std::string& name,
                 std::uint8_t flags = 0x40) {
  const auto kad = name.empty()
                       ? Bytes{}
                       : joined({{0x00, 0x00, 0x00, static_cast<std::uint8_t>(name.size())}, to_bytes(name)});
  const auto length = static_cast<std::uint8_t>(16 + key.size() + kad.size());
  return joined({{0x00, 0x10, 0x00, length, 0x40, flags, encryption, decryption, 0x01, 0x00, 0x00},
                 Bytes(7),
                 {0x00, static_cast<std::uint8_t>(key.size())},
                 key,
                 kad});
}

TEST(EncryptionClients, D1_StencSetsAKey) {
  ClientBench bench;
  EXPECT_GOOD(bench.send(stenc_page(2, 3, kKey, "month of march")));
  const auto status = bench.status();
  // Scope ALL for both; encrypt; mixed; algorithm 1; first key instance; not exclusive, CEEM 1.
  EXPECT_EQ(to_hex(ByteView(status).subspan(4, 9)), "420203010000000112");
  EXPECT_EQ(to_hex(ByteView(status).subspan(24)), "0001000e" + to_hex(to_bytes("month of march")));
  bench.write_one_and_rewind();
  const auto next = bench.next_block();
  EXPECT_EQ(next.at(12) & 0x0fU, 5U);
  EXPECT_EQ(to_hex(ByteView(next).subspan(16)), "0001000e" + to_hex(to_bytes("month of march")));
  EXPECT_EQ(bench.read().data_in, block(1));
}

TEST(EncryptionClients, D1_StencDisablesWithKeyLengthZero) {
  ClientBench bench;
  EXPECT_GOOD(bench.send(stenc_page(2, 2, kKey, "k", 0x44)));  // --ckod
  bench.write_one_and_rewind();
  EXPECT_GOOD(bench.send(stenc_page(0, 0, {}, "")));
  EXPECT_EQ(to_hex(ByteView(bench.status()).subspan(4, 4)), "42000000");
  EXPECT_SENSE(bench.read(), codes::kUnableToDecrypt);
  const auto next = bench.next_block();
  EXPECT_EQ(next.at(12) & 0x0fU, 6U);
  EXPECT_EQ(to_hex(ByteView(next).subspan(16)), "0001000" + to_hex(to_bytes("\x01k")).substr(1));
}

TEST(EncryptionClients, D1_StencAllowsAndForbidsRawReads) {
  ClientBench bench;
  EXPECT_GOOD(bench.send(stenc_page(2, 3, kKey, "", 0x70)));  // --no-allow-raw-read
  EXPECT_EQ(bench.status().at(12) & 1U, 1U);
  EXPECT_GOOD(bench.send(stenc_page(2, 3, kKey, "", 0x60)));  // --allow-raw-read
  EXPECT_EQ(bench.status().at(12) & 1U, 0U);
}

// A descriptor whose flag byte was never cleared, as one version of stenc sent it.
TEST(EncryptionClients, D1_GarbageInADescriptorsFlagsIsRefusedWithItsPlace) {
  ClientBench bench;
  auto page = stenc_page(2, 3, kKey, "name");
  page.at(20 + 32 + 1) = 0x7f;
  const auto refused = bench.send(page);
  EXPECT_SENSE(refused, codes::kInvalidFieldInParameters);
  EXPECT_EQ(refused.sense.field->byte, 20 + 32 + 1);
}

// Bareos: always a key field of 32 bytes, mixed, CEEM 0, no descriptors; a key that holds a zero is cut
// there.
Bytes bareos_page(std::uint8_t encryption, std::uint8_t decryption, const Bytes& key) {
  auto field = key;
  field.resize(32);
  return joined({{0x00, 0x10, 0x00, 0x30, 0x40, 0x00, encryption, decryption, 0x01, 0x00, 0x00},
                 Bytes(7),
                 {0x00, 0x20},
                 field});
}

TEST(EncryptionClients, D1_BareosSetsAndClearsAKeyWithLength32) {
  ClientBench bench;
  EXPECT_GOOD(bench.send(bareos_page(2, 3, kKey)));
  bench.write_one_and_rewind();
  EXPECT_EQ(bench.read().data_in, block(1));
  EXPECT_GOOD(bench.send(bareos_page(0, 0, {})));
  EXPECT_EQ(to_hex(ByteView(bench.status()).subspan(4, 4)), "42000000");
  EXPECT_GOOD(bench.rewind());
  EXPECT_SENSE(bench.read(), codes::kUnableToDecrypt);
  EXPECT_EQ(bench.next_block().size(), 16U) << "no descriptors were given";
  const auto cut = ByteView(kKey).first(3);
  EXPECT_GOOD(bench.send(bareos_page(2, 3, to_bytes(cut))));
  EXPECT_SENSE(bench.read(), codes::kIncorrectKey);
}

// LTFS: encrypt and mixed, CEEM 0, the key's alias of twelve bytes as A-KAD.
Bytes ltfs_page(const Bytes& key, const Bytes& alias) {
  return joined({{0x00, 0x10, 0x00, 0x40, 0x40, 0x00, 0x02, 0x03, 0x01, 0x00, 0x00},
                 Bytes(7),
                 {0x00, 0x20},
                 key,
                 {0x01, 0x00, 0x00, 0x0c},
                 alias});
}

TEST(EncryptionClients, D1_LtfsSetsAKeyAndFindsItsAliasInTwoPasses) {
  ClientBench bench;
  const auto alias = joined({to_bytes("KEY"), {0, 1, 2, 3, 4, 5, 6, 7, 8}});
  EXPECT_GOOD(bench.send(ltfs_page(kKey, alias)));
  bench.write_one_and_rewind();
  EXPECT_GOOD(bench.send(joined({{0x00, 0x10, 0x00, 0x10, 0x40, 0x00, 0x00, 0x00, 0x01}, Bytes(11)})));
  const auto head = bench.spin(0x20, kNextBlockPage, 4).data_in;
  ASSERT_EQ(head.size(), 4U);
  const auto length = std::uint32_t{head[2]} * 256U + head[3] + 4U;
  const auto page = bench.spin(0x20, kNextBlockPage, length).data_in;
  ASSERT_EQ(page.size(), length);
  EXPECT_EQ(page.at(12) & 0x0fU, 6U);
  EXPECT_EQ(to_hex(ByteView(page).subspan(16)), "0102000c" + to_hex(alias));
  EXPECT_GOOD(bench.send(ltfs_page(kKey, alias)));
  EXPECT_EQ(bench.next_block().at(12) & 0x0fU, 5U);
  EXPECT_EQ(bench.read().data_in, block(1));
}

TEST(EncryptionClients, D1_ShortAllocationLengthsCutEveryPage) {
  ClientBench bench;
  for (const int code : {0x00, 0x01, 0x10, 0x11, 0x12, 0x20, 0x21, 0x31}) {
    const auto page = static_cast<std::uint16_t>(code);
    const auto whole = bench.spin(0x20, page, 65535).data_in;
    ASSERT_GE(whole.size(), 4U) << page;
    EXPECT_EQ(std::size_t{whole[2]} * 256 + whole[3] + 4, whole.size()) << page;
    for (const std::uint32_t limit : {0U, 1U, 3U, 4U}) {
      const auto cut = bench.spin(0x20, page, limit);
      EXPECT_GOOD(cut);
      EXPECT_EQ(cut.data_in, to_bytes(ByteView(whole).first(limit))) << page;
    }
  }
  EXPECT_EQ(bench.spin(0x20, 0x30, 4).data_in.size(), 4U);  // another random number each time
}

TEST(EncryptionClients, D1_SecurityProtocolZeroListsTheProtocols) {
  ClientBench bench;
  EXPECT_EQ(to_hex(bench.spin(0x00, 0x0000, 512).data_in), "00000000000000030020f0");
  EXPECT_EQ(bench.spin(0x00, 0x0001, 4).data_in.size(), 4U);
  EXPECT_SENSE(bench.spin(0x00, 0x0002, 512), codes::kInvalidFieldInCdb);
}

}  // namespace
}  // namespace tapewarden::tape::test
