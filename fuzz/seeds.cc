// Writes seed corpora from real encodings: fuzz_seeds DIRECTORY makes DIRECTORY/NAME/NN for each fuzzer of
// the key exchange. Keys and signatures in them are random and belong to nobody.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/assert.h"
#include "base/testing/sim_env.h"
#include "crypto/hash.h"
#include "dkx/testing/parties.h"
#include "engine/rebuild/catalogue_image.h"
#include "engine/rebuild/examination.h"
#include "engine/stack/stack_format.h"
#include "iscsi/login_pdu.h"
#include "iscsi/session_pdu.h"
#include "iscsi/text.h"
#include "keymgr/sharing/shared_file.h"
#include "kmip_seeds.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/layout.h"

namespace {

using namespace tapewarden;

class Corpus {
 public:
  Corpus(std::filesystem::path root, const char* name) : folder_(std::move(root) / name) {
    std::filesystem::create_directories(folder_);
  }
  void add(ByteView bytes) {
    std::ofstream out(folder_ / ("seed-" + std::to_string(count_++)), std::ios::binary);
    out << as_text(bytes);
  }

 private:
  std::filesystem::path folder_;
  int count_ = 10;  // two digits, so that the files sort
};

void write_exchange(const std::filesystem::path& root) {
  const auto& parties = dkx::testing::parties();
  Corpus requests(root, "dkx_request");
  Corpus answers(root, "dkx_answer");
  for (const auto& sample : dkx::testing::sample_requests()) requests.add(encode(sample));
  const Bytes body = encode(dkx::RequestBody{dkx::testing::sample_key_request(dkx::Intent::kRead)});
  const auto request =
      dkx::sign_request(1, body, dkx::SignerKind::kDrive, parties.drive.key, &parties.drive.certificate);
  requests.add(encode(request));
  requests.add(encode(dkx::sign_request(2, body, dkx::SignerKind::kProxy, parties.proxy.key, nullptr)));
  for (const auto& sample : dkx::testing::sample_answers()) answers.add(encode(sample));
  answers.add(encode(dkx::sign_answer(request, encode(dkx::testing::sample_answers().back()),
                                      parties.server.key, parties.server.certificate.fingerprint())));
}

void write_values(const std::filesystem::path& root) {
  Corpus corpus(root, "eedk");
  auto set = dkx::testing::sample_eedk_set(dkx::testing::uuid_of(4));
  corpus.add(encode(set));
  for (const auto& eedk : set.eedks) corpus.add(encode(eedk));
  corpus.add(encode(*set.seal));
  set.seal.reset();
  corpus.add(encode(set));
  corpus.add(as_bytes("KEY1"));
  corpus.add(as_bytes("TPW00A1B2C3D400000005"));
}

void write_ttlv(const std::filesystem::path& root) {
  Corpus corpus(root, "ttlv");
  constexpr ttlv::Tag kTag{0x420020};
  ttlv::Writer out;
  out.begin(kTag).add_integer(kTag, -1).add_long_integer(kTag, 1).add_big_integer(kTag, Bytes(9, 1));
  out.add_enumeration(kTag, 7U)
      .add_boolean(kTag, true)
      .add_text(kTag, "tape \xC3\xA9")
      .add_bytes(kTag, Bytes(3));
  out.add_date_time(kTag, 1).add_interval(kTag, 2).add_date_time_extended(kTag, 3);
  out.begin(kTag).begin(kTag).end().end().end();
  const Bytes all = out.take();
  corpus.add(all);
  const auto document = ttlv::decode(all);
  TW_ASSERT(document.has_value());
  for (const ttlv::Item child : document->root().children()) corpus.add(child.encoding());
}

// A small cartridge with clear, sealed and compressed records, in the pieces that cartridge_fuzz.cc takes.
void write_cartridge(const std::filesystem::path& root) {
  Corpus corpus(root, "cartridge");
  tapewarden::testing::SimEnv sim(1);
  tape::CartridgeSpec spec;
  spec.volser = "FUZZ01";
  spec.volume.bytes[0] = 1;
  auto cartridge = *tape::Cartridge::create(sim.env(), "cartridge", spec);
  tape::SessionSpec session;
  session.key_info.method = tape::KeyMethod::kWrappedKey;
  session.key_info.eedks = {to_bytes("an EEDK"), to_bytes("another")};
  session.akad = to_bytes("KEY000000001");
  session.key = std::make_shared<const tape::DataKey>(crypto::SecretBytes::zeros(tape::kDataKeyBytes));
  TW_ASSERT(cartridge->write_record(Bytes(100, 1)).has_value());
  TW_ASSERT(cartridge->write_filemarks(1).has_value());
  TW_ASSERT(cartridge->set_write_session(session).has_value());
  TW_ASSERT(cartridge->write_record(as_bytes("sealed")).has_value());
  TW_ASSERT(cartridge->write_record(Bytes(500, 2)).has_value());
  TW_ASSERT(cartridge->sync().has_value());
  TW_ASSERT(cartridge->set_key_info(session.key_info).has_value());
  TW_ASSERT(cartridge->unload().has_value());
  const Bytes file = sim.disk.content("cartridge");
  const auto add = [&](std::uint8_t kind, std::uint64_t offset, std::size_t size) {
    Bytes seed = {kind};
    const ByteView piece = ByteView(file).subspan(offset, size);
    seed.insert(seed.end(), piece.begin(), piece.end());
    corpus.add(seed);
  };
  add(0, 0, 160);
  add(1, tape::kMemoryOffsets[0], 400);
  add(2, tape::key_slot_offset(0, 0), 120);
  add(3, tape::kDataStart, 64);
  add(4, tape::kDataStart + 64, 140);
  add(6, tape::kDataStart, file.size() - tape::kDataStart);
  // The index is the last record: one block, one filemark, two sessions.
  constexpr std::size_t kIndexBytes = 24 + 20 + 16 + 2 * 12;
  add(5, file.size() - kIndexBytes, kIndexBytes);
}

// The signature and the tags are of keys that nobody holds.
void write_shared_keys(const std::filesystem::path& root) {
  Corpus corpus(root, "shared_keys");
  const auto& parties = dkx::testing::parties();
  namespace sharing = keymgr::sharing;
  const auto add = [&](std::uint8_t kind, ByteView bytes) {
    Bytes seed = {kind};
    seed.insert(seed.end(), bytes.begin(), bytes.end());
    corpus.add(seed);
  };
  sharing::FileHeader header;
  header.from = "Munich";
  header.keys = 1;
  header.signer = parties.server.certificate.der();
  header.envelope = Bytes(60, 0x30);
  sharing::SharedKey key;
  key.alias = "KEY1";
  key.group = "DAILY";
  const auto secret = crypto::SecretBytes::zeros(32);
  sharing::FileBuilder builder(header, secret);
  builder.add(key, secret);
  add(0, builder.finish(parties.server.key));
  add(0, sharing::encode_header(header));
  key.box = Bytes(60, 1);
  const Bytes encoded = sharing::encode_key(key);
  add(2, encoded);
  ByteWriter records;
  ByteWriter end;
  end.u32(1);
  records.u8(1);  // so many keys are expected
  records.u8(1).bytes32(encoded).u8(2).bytes32(end.view());
  add(1, records.view());
}

// PDUs after a choice byte (see iscsi_fuzz.cc): logged in, numbers filled in, units run.
void write_iscsi(const std::filesystem::path& root) {
  Corpus sessions(root, "iscsi");
  const auto add = [&sessions](std::uint8_t choice, std::initializer_list<Bytes> pdus) {
    Bytes seed{choice};
    for (const auto& pdu : pdus) seed.insert(seed.end(), pdu.begin(), pdu.end());
    sessions.add(seed);
  };
  iscsi::ScsiCommandPdu read{.read = true, .task_tag = 1, .expected_bytes = 512, .cdb = Bytes(16)};
  read.cdb[0] = 0x08;
  iscsi::ScsiCommandPdu write{.write = true, .task_tag = 2, .expected_bytes = 600, .cdb = Bytes(16)};
  write.cdb[0] = 0x0a;
  const iscsi::DataOutPdu data{.final = true, .task_tag = 2, .transfer_tag = 1};
  const iscsi::TaskRequestPdu reset{.function = 5, .task_tag = 3};
  const iscsi::NopOutPdu ping{.immediate = true, .task_tag = 4};
  const iscsi::LogoutRequestPdu logout{.task_tag = 5};
  const iscsi::TextRequestPdu text{.task_tag = 6};
  add(0x19, {encode_pdu(read.encode(), {}), encode_pdu(write.encode(), Bytes(600, 1)),
             encode_pdu(logout.encode(), {})});
  add(0x19, {encode_pdu(write.encode(), {}), encode_pdu(data.encode(), Bytes(600, 2))});
  add(0x09, {encode_pdu(write.encode(), {}), encode_pdu(reset.encode(), {}),
             encode_pdu(ping.encode(), Bytes(9, 3))});
  add(0x1b, {encode_pdu(text.encode(), to_bytes(std::string_view("SendTargets=All", 16)))});
  iscsi::Text keys;
  keys.add("InitiatorName", "iqn.2026-01.org.example:host");
  keys.add("TargetName", "iqn.2026-01.org.example:target");
  keys.add("HeaderDigest", "CRC32C,None");
  keys.add("MaxRecvDataSegmentLength", "262144");
  keys.add("AuthMethod", "CHAP,None");
  keys.add("CHAP_A", "5,7");
  const iscsi::LoginRequest login{
      .transit = true, .current = iscsi::Stage::kOperational, .next = iscsi::Stage::kFullFeature};
  add(0x10, {encode_pdu(login.encode(), keys.encode()), encode_pdu(read.encode(), {})});
  Corpus texts(root, "iscsi_text");
  for (const std::uint8_t choice : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{6}}) {
    Bytes seed{choice};
    const auto encoded = keys.encode();
    seed.insert(seed.end(), encoded.begin(), encoded.end());
    texts.add(seed);
  }
}

// Blocks go in without what the fuzzer makes fit again, and a whole tape as kinds and lengths.
void write_stack(const std::filesystem::path& root) {
  Corpus corpus(root, "stack");
  engine::ImageHeader header;
  header.identity = {.volser = "LV0001", .generation = 4, .barcode = "A00001L9", .medium = 3, .file = 1};
  header.storage_group = "PAYROLL";
  header.parts = {{.index = 0, .name = "LV0001", .bytes = 3}, {.index = 1, .name = "LV0001.partition1"}};
  const engine::ImageTrailer trailer{.identity = header.identity,
                                     .bytes = 3,
                                     .sha256 = crypto::sha256(as_bytes("abc")),
                                     .tombstones = {{"LV0007", 2}}};
  const Bytes blocks[] = {engine::CartridgeLabel{.barcode = "A00001L9"}.encode(), header.encode(),
                          trailer.encode()};
  ByteWriter tape;
  tape.u8(3);
  for (std::uint8_t kind = 0; kind < 3; ++kind) {
    corpus.add(ByteWriter().u8(kind).bytes(blocks[kind]).take());
    if (kind == 2) tape.u8(1).bytes16(as_bytes("abc"));
    tape.u8(static_cast<std::uint8_t>(kind + 2)).bytes16(blocks[kind]);
    if (kind != 1) tape.u8(0);
  }
  corpus.add(tape.take());
}

// Records one by one, then whole files.
void write_catalogue_backup(const std::filesystem::path& root) {
  Corpus corpus(root, "catalogue_backup");
  engine::Pool pool = engine::default_pools()[3];
  pool.encryption = engine::PoolEncryption::kWrapped;
  pool.labels[0] = {"June 2026 key", engine::LabelMode::kHash};
  engine::PhysicalVolume cartridge;
  cartridge.barcode = "A00001L9";
  cartridge.medium = 2;
  engine::LogicalVolume volume;
  volume.volser = "LV0001";
  volume.generation = 4;
  volume.primary = engine::Copy{"A00001L9", 2, 1, 2, 700'000, 4};
  const Bytes bodies[] = {encode_record(pool),
                          encode_record(engine::StorageGroup{"PAYROLL", 1, "wages"}),
                          encode_record(engine::ManagementClass{"TWICE", 2, ""}),
                          encode_record(cartridge),
                          encode_record(engine::WithdrawnVolume{"LV0002", 5}),
                          encode_record(engine::DeletedVolume{1, "LV0003", 6}),
                          encode_record(volume)};
  ByteWriter records;
  records.u8(10);
  std::uint8_t kind = 0;
  for (const auto& body : bodies) {
    corpus.add(ByteWriter().u8(++kind).bytes(body).take());
    records.u8(kind).bytes16(body);
  }
  corpus.add(records.take());
  tapewarden::testing::SimEnv sim(1);
  engine::Examination found;
  found.label = {.barcode = "A00001L9", .medium = 2};
  engine::FoundImage image;
  image.volser = "LV0001";
  image.generation = 4;
  image.file = 1;
  image.bytes = 700'000;
  found.images = {image};
  found.backups = {{.file = 2}};
  found.tombstones = {{"LV0007", 2}};
  found.damaged = {{.file = 3, .why = "unreadable"}};
  TW_ASSERT(write_examination(sim.disk, "found", found));
  corpus.add(ByteWriter().u8(9).bytes(sim.disk.content("found")).take());
}

void write_bulk_requests(const std::filesystem::path& root) {
  Corpus corpus(root, "bulk_request");
  const std::string first = "VTS BULK VOLUME DATA REQUEST\n";
  for (const auto* second :
       {"VOLUME MAP", "CACHE CONTENTS\nFORMAT CSV", "VOLUME STATUS LV*", "PHYSICAL MEDIA POOLS\nFORMAT JSON",
        "PHYSICAL VOLUME STATUS VOLUME A00001L9", "PHYSICAL VOLUME STATUS POOL 07",
        "POINT IN TIME STATISTICS", "HISTORICAL STATISTICS FOR 350-020", "HISTORICAL POOL STATISTICS"})
    corpus.add(ByteWriter().u8(0).text(first + second).take());
  corpus.add(
      ByteWriter().u8(1).text(R"({"version":1,"measures":{"hit_mounts":2},"pools":[[1,2,3]]})").take());
}

void write_kmip(const std::filesystem::path& root) {
  Corpus corpus(root, "kmip_request");
  for (auto& message : kmip_seeds()) corpus.add(message);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds DIRECTORY\n";
    return 2;
  }
  write_exchange(argv[1]);
  write_values(argv[1]);
  write_ttlv(argv[1]);
  write_cartridge(argv[1]);
  write_shared_keys(argv[1]);
  write_iscsi(argv[1]);
  write_stack(argv[1]);
  write_catalogue_backup(argv[1]);
  write_bulk_requests(argv[1]);
  write_kmip(argv[1]);
  return 0;
}
