#include "keymgr/custody/backup/replay.h"

namespace tapewarden::keymgr::backup {

namespace {

class Loading final : public ContentVisitor {
 public:
  Loading(store::KeystoreLoader& loader, const RowChanger& change, Replayed& out)
      : loader_(loader), change_(change), out_(out) {}

  void begin_file(bool base) {
    base_ = base;
    out_.site_files.clear();
  }
  KeyCounts counts() const { return check_.counts(); }

  Status site_file(SiteFile file) override {
    out_.site_files.push_back(std::move(file));
    return {};
  }
  Result<const store::TableSpec*> begin_table(const std::string& name,
                                              const std::vector<std::string>& columns) override {
    spec_ = TRY(loader_.begin_table(name, columns));
    return spec_;
  }
  Status row(const ClearRow& row) override {
    TRY(check_.check(*spec_, row.row, row.secrets));
    if (change_) TRY(change_(*spec_, row.row, row.secrets));
    return loader_.put(row.row, row.secrets, base_);
  }
  Status end_table(const std::string& name, const store::TableTotals& totals) override {
    const store::TableTotals here = loader_.totals(name);
    if (here == totals) return {};
    return fail(ErrorCode::kCorrupt,
                "the table " + name + " has " + std::to_string(here.rows) +
                    " rows after this backup, and had " + std::to_string(totals.rows) + " in the keystore",
                "backup file", "use the chain of another base");
  }

 private:
  store::KeystoreLoader& loader_;
  const RowChanger& change_;
  Replayed& out_;
  KeyCheck check_;
  const store::TableSpec* spec_ = nullptr;
  bool base_ = true;
};

std::unexpected<Error> wrong_predecessor(const FoundFile& file) {
  return fail(ErrorCode::kCorrupt, file.path + " does not follow the file before it in its chain",
              "backup file",
              "bring the right predecessor back, or take the chain up to the file before with --file");
}

}  // namespace

Result<Replayed> replay(Disk& disk, const Chain& chain, const FileKeySource& keys, const SignerTrust& trust,
                        store::KeystoreLoader& loader, const RowChanger& change) {
  Replayed out;
  Loading loading(loader, change, out);
  Hash256 before{};
  for (const FoundFile& file : chain.files) {
    const auto reader = TRY(FileReader::open(disk, file.path));
    if (reader->header().predecessor != before) return wrong_predecessor(file);
    const Hash256 digest = TRY(reader->check_signature());
    out.signer = TRY(reader->signer());
    TRY(trust.check(out.signer));
    const auto key = keys({file.path, reader->header()});
    if (!key) return in_context(file.path, key.error());
    TRY(reader->unlock(*key));
    loading.begin_file(reader->header().is_base());
    const auto counts = read_content(*reader, loading);
    if (!counts) return in_context(file.path, counts.error());
    out.rows += counts->rows;
    out.bytes += reader->bytes();
    out.mark = reader->header().to;
    before = digest;
  }
  out.keys = loading.counts();
  return out;
}

}  // namespace tapewarden::keymgr::backup
