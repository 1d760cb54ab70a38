// Backup files: the header in clear, and the content behind tags and signature, as a signer who means ill
// could have written it. The first byte says which.
#include "base/testing/sim_env.h"
#include "fuzz.h"
#include "keymgr/custody/backup/content.h"
#include "keymgr/custody/backup/key_check.h"
#include "keymgr/custody/backup/new_epoch.h"
#include "keymgr/tables.h"

namespace {

using namespace tapewarden;
namespace backup = keymgr::backup;

void read_header(ByteView input) {
  const auto header = backup::decode_header(input);
  if (!header) return;
  TW_ASSERT(equal(backup::encode_header(*header), input));
  TW_ASSERT(backup::file_name(*header).ends_with(backup::kFileSuffix));
}

// Looks at rows as a restore does, and keeps none.
class Visitor final : public backup::ContentVisitor {
 public:
  Status site_file(backup::SiteFile) override { return {}; }
  Result<const store::TableSpec*> begin_table(const std::string& name,
                                              const std::vector<std::string>& columns) override {
    for (const auto* table : keymgr::tables()) {
      if (table->name == name && columns.size() <= table->columns.size()) return spec_ = table;
    }
    return fail(ErrorCode::kNotFound, "no such table");
  }
  Status row(const backup::ClearRow& row) override {
    tombstones_.note(*spec_, row.row);
    (void)check_.check(*spec_, row.row, row.secrets);
    (void)tombstones_.apply(*spec_, row.row, row.secrets);
    return {};
  }
  Status end_table(const std::string&, const store::TableTotals&) override { return {}; }

 private:
  const store::TableSpec* spec_ = nullptr;
  backup::KeyCheck check_;
  backup::Tombstones tombstones_;
};

void read_content(ByteView input) {
  static const auto signer = crypto::PrivateKey::generate_p256();
  static tapewarden::testing::SimRandom random(17);
  static const Bytes certificate = [] {
    crypto::CertificateSpec spec;
    spec.common_name = "fuzz";
    spec.use = crypto::CertificateUse::kSigning;
    spec.not_after = from_millis(2'000'000'000'000);
    return crypto::self_signed_certificate(spec, signer, random)->der();
  }();
  tapewarden::testing::SimClock clock;
  tapewarden::testing::SimDisk disk;
  const Env env{&clock, &disk, &random, nullptr};
  TW_ASSERT(disk.make_directories("/b", 0700).has_value());
  const auto key = crypto::SecretBytes::copy_of(Bytes(32, 7));
  backup::FileHeader header;
  header.base = 1;
  header.signer = certificate;
  header.seal = backup::RecipientSeal{{}};
  const auto writer = backup::FileWriter::create(env, "/b", header, key);
  TW_ASSERT(writer.has_value() && (*writer)->write(input).has_value());
  const auto written = (*writer)->finish(signer);
  TW_ASSERT(written.has_value());
  const auto reader = backup::FileReader::open(disk, "/b/" + written->name);
  TW_ASSERT(reader.has_value() && (*reader)->check_signature().has_value() &&
            (*reader)->unlock(key).has_value());
  Visitor visitor;
  (void)backup::read_content(**reader, visitor);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tapewarden::ByteView input(data, size);
  if (input.empty()) return 0;
  input.front() == 0 ? read_header(input.subspan(1)) : read_content(input.subspan(1));
  return 0;
}
