#include "keymgr/custody/backup/run.h"

#include <algorithm>
#include <limits>
#include <set>

#include "crypto/random.h"
#include "keymgr/custody/backup/chain.h"
#include "keymgr/custody/backup/file_reader.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr::backup {

namespace {

constexpr std::uint64_t kNoLine = std::numeric_limits<std::uint64_t>::max();  // to the end
// Between bases the audit record's lines wait for one another: each of its files stays for ever.
constexpr std::uint64_t kAuditLines = 10'000;
constexpr std::chrono::hours kAuditEvery{24};

}  // namespace

std::vector<KnownFile> newest_chain(const std::vector<KnownFile>& files) {
  std::vector<KnownFile> chain;
  for (const KnownFile& file : files) {
    if (file.increment == 0) chain.clear();
    chain.push_back(file);
  }
  return chain;
}

// A chain with a hole restores nothing beyond it, so its files are looked for before they are built upon.
// What is in them was checked when they were written; verify() reads it again.
Result<bool> Run::chain_is_there(const std::vector<KnownFile>& chain) {
  for (const KnownFile& file : chain) {
    const auto opened = context_.env.disk->open(target_.directory + "/" + file.name, OpenMode::kRead);
    if (!opened) {
      if (opened.error().code == ErrorCode::kNotFound) return false;
      return std::unexpected(opened.error());
    }
    if (TRY((*opened)->size()) != static_cast<std::uint64_t>(file.bytes)) return false;
  }
  return true;
}

// A chain is of one epoch. A file whose header cannot be read is none that may be built upon.
Result<bool> Run::is_of_epoch(const KnownFile& file, std::uint64_t epoch) {
  const auto reader = FileReader::open(*context_.env.disk, target_.directory + "/" + file.name);
  if (reader) return (*reader)->header().epoch == epoch;
  if (reader.error().code == ErrorCode::kIo) return std::unexpected(reader.error());
  return false;
}

// Beyond every base that this server ever left in the folder, also before it was restored or its target made
// anew: chains are told apart by it.
Result<std::int64_t> Run::next_base(FileKind kind, std::int64_t last) const {
  for (const FoundFile& file : TRY(look_into(*context_.env.disk, target_.directory)).files) {
    if (file.header.server == context_.server && file.header.kind == kind)
      last = std::max<std::int64_t>(last, file.header.base);
  }
  return last + 1;
}

// A run that was killed between the renaming of its file and the note of it left a good file that nobody
// acknowledged. The chain goes on nowhere else: beside such a file a second one would begin where it does,
// and a restore could follow only one of the two.
Result<bool> Run::left_unnoted(const KnownFile& last, std::uint64_t epoch) const {
  for (const FoundFile& file : TRY(look_into(*context_.env.disk, target_.directory)).files) {
    const FileHeader& header = file.header;
    const bool same_chain = header.kind == FileKind::kKeystore && header.server == context_.server &&
                            header.epoch == epoch && header.target == target_.name &&
                            header.base == last.base;
    if (same_chain && header.increment > last.increment) return true;
  }
  return false;
}

Result<std::uint64_t> Run::epoch() const {
  std::uint64_t out = 0;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    const auto row = TRY(reader.get(kServerTable, {to_bytes(context_.server.view())}));
    if (!row) return fail(ErrorCode::kCorrupt, "this server's identity is not in its keystore");
    out = static_cast<std::uint64_t>(ServerRow::from_row(*row).epoch);
    return {};
  }));
  return out;
}

Result<Run::Plan> Run::plan(bool new_base) {
  Plan out;
  bool lost = false;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    out.files = TRY(known_files(reader, target_.name, FileKind::kKeystore));
    lost = TRY(load_state(reader, target_.name)).covered == 0;  // its chain was found not to be whole
    return {};
  }));
  out.epoch = TRY(epoch());
  if (out.files.empty()) {
    out.base_number = TRY(next_base(FileKind::kKeystore, 0));
    return out;
  }
  const auto chain = newest_chain(out.files);
  const KnownFile& last = chain.back();
  out.base = new_base || lost || last.increment >= target_.increments || !TRY(chain_is_there(chain)) ||
             !TRY(is_of_epoch(last, out.epoch)) || TRY(left_unnoted(last, out.epoch));
  out.base_number = out.base ? TRY(next_base(FileKind::kKeystore, last.base)) : last.base;
  out.increment = out.base ? 0 : last.increment + 1;
  out.from = out.base ? 0 : static_cast<std::uint64_t>(last.to);
  if (!out.base) out.predecessor = last.digest;
  return out;
}

// What runs that were cut off left behind: names of this server only.
Status Run::clean_up() {
  const std::string mine = "-" + context_.server.text().substr(0, 8) + "-e";
  const std::string ending = std::string(kFileSuffix) + std::string(kPartSuffix);
  for (const std::string& name : TRY(context_.env.disk->list(target_.directory))) {
    if (!name.ends_with(ending) || name.find(mine) == std::string::npos) continue;
    TRY(context_.env.disk->remove(target_.directory + "/" + name));
  }
  return {};
}

Result<crypto::SecretBytes> Run::passphrase_key() {
  crypto::SecretBytes key;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    key = TRY(reader.unseal(kTargetTable, TRY(target_.to_row()), kTargetKeyColumn));
    return {};
  }));
  return key;
}

Result<Seal> Run::seal(const crypto::SecretBytes& file_key) {
  if (target_.seal == SealKind::kRecipients) return seal_file_key(target_.recipients, file_key);
  PassphraseKey with{target_.cost, {}, TRY(passphrase_key())};
  if (target_.salt.size() != with.salt.size()) {
    return fail(ErrorCode::kCorrupt, "the target's salt has the wrong size", "target");
  }
  copy_bytes(with.salt, target_.salt);
  return seal_file_key(with, file_key);
}

FileHeader Run::header(const Plan& plan, const store::CommitMark& mark, Seal seal) const {
  FileHeader out;
  out.kind = FileKind::kKeystore;
  out.server = context_.server;
  out.server_name = options_.server_name;
  out.epoch = plan.epoch;
  out.target = target_.name;
  out.domain = target_.domain;
  out.base = static_cast<std::uint32_t>(plan.base_number);
  out.increment = static_cast<std::uint32_t>(plan.increment);
  out.from = plan.from;
  out.to = mark;
  out.predecessor = plan.predecessor;
  out.created = context_.now();
  out.signer = context_.signing_certificate.der();
  out.seal = std::move(seal);
  return out;
}

Status Run::note_file(KnownFile known, const WrittenFile& file, const FileHeader& header,
                      const crypto::SecretBytes& file_key) {
  known.target = target_.name;
  known.name = file.name;
  known.kind = header.kind;
  known.base = header.base;
  known.increment = header.increment;
  known.from = static_cast<std::int64_t>(header.from);
  known.to = static_cast<std::int64_t>(header.to.sequence);
  known.head = header.to.head;
  known.digest = file.digest;
  known.bytes = static_cast<std::int64_t>(file.bytes);
  known.created = header.created;
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    if (!TRY(t.get(kTargetTable, {target_.name}))) {
      return fail(ErrorCode::kNotFound, "the target was removed meanwhile", "name");
    }
    KnownFile row = known;
    row.slot = TRY(free_slot(t, target_.name));
    const store::Value key[] = {row.target, row.slot};
    row.sealed_key = t.seal(kKnownFileTable, key, "file_key", file_key);
    return t.put(kKnownFileTable, row.to_row());
  }));
  return {};
}

Status Run::write_audit(const KnownFile* last, const AuditPlace& from, const AuditPlace& to) {
  const auto file_key = crypto::random_secret(*context_.env.random, kFileKeyBytes);
  Plan plan;
  plan.base_number = TRY(next_base(FileKind::kAudit, last == nullptr ? 0 : last->base));
  plan.from = from.line;
  plan.epoch = TRY(epoch());
  if (last != nullptr) plan.predecessor = last->digest;
  FileHeader made = header(plan, {to.line, to.chain}, TRY(seal(file_key)));
  made.kind = FileKind::kAudit;
  const auto writer = TRY(FileWriter::create(context_.env, target_.directory, made, file_key));
  TRY(read_audit(*context_.env.disk, options_.audit_directory, from, to.line,
                 [&](std::string_view lines) { return write_audit_lines(*writer, lines); }));
  TRY(write_audit_end(*writer, made));
  const WrittenFile file = TRY(writer->finish(context_.signing_key));
  KnownFile known;
  known.place = to.encode();
  return note_file(std::move(known), file, made, file_key);
}

// The series has a hole: it begins anew.
Status Run::forget(const std::vector<KnownFile>& files) {
  TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
    for (const KnownFile& file : files) TRY(t.erase(kKnownFileTable, {file.target, file.slot}));
    return {};
  }));
  return {};
}

Status Run::back_up_audit(bool base) {
  if (options_.audit_directory.empty()) return {};
  std::vector<KnownFile> files;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    files = TRY(known_files(reader, target_.name, FileKind::kAudit));
    return {};
  }));
  if (!TRY(chain_is_there(files))) {
    TRY(forget(files));
    files.clear();
  }
  const KnownFile* last = files.empty() ? nullptr : &files.back();
  const AuditPlace from = last == nullptr ? AuditPlace() : TRY(AuditPlace::decode(last->place));
  const AuditPlace to = TRY(read_audit(*context_.env.disk, options_.audit_directory, from, kNoLine,
                                       [](std::string_view) { return Status(); }));
  const bool old = last == nullptr || context_.now() - last->created >= kAuditEvery;
  if (to.line == from.line || !(base || old || to.line - from.line >= kAuditLines)) return {};
  return write_audit(last, from, to);
}

Result<RunReport> Run::write(const Plan& plan) {
  const auto file_key = crypto::random_secret(*context_.env.random, kFileKeyBytes);
  const std::vector<SiteFile> site_files =
      options_.site_files ? TRY(options_.site_files()) : std::vector<SiteFile>();
  Seal sealed = TRY(seal(file_key));
  FileHeader made;
  ContentWriter content(
      [&](const store::CommitMark& mark) {
        made = header(plan, mark, std::move(sealed));
        return FileWriter::create(context_.env, target_.directory, made, file_key);
      },
      site_files);
  TRY(manager_.keystore().snapshot(plan.from, content, content));
  const WrittenFile file = TRY(content.finish(context_.signing_key));
  TRY(note_file({}, file, made, file_key));
  RunReport report;
  report.base = plan.base;
  report.file = file.name;
  report.bytes = file.bytes;
  report.rows = content.counts().rows;
  report.commit = made.to.sequence;
  return report;
}

// Whole chains, oldest first, beyond the number of bases to be kept (S3).
Result<std::size_t> Run::retain() {
  std::vector<KnownFile> files;
  TRY(manager_.keystore().read([&](store::Reader& reader) -> Status {
    files = TRY(known_files(reader, target_.name, FileKind::kKeystore));
    return {};
  }));
  std::set<std::int64_t> bases;
  for (const KnownFile& file : files) bases.insert(file.base);
  std::size_t removed = 0;
  while (bases.size() > static_cast<std::size_t>(target_.keep_bases)) {
    const std::int64_t oldest = *bases.begin();
    bases.erase(bases.begin());
    // Increments first: what a crash leaves of it still begins with its base.
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      if (file->base != oldest) continue;
      const Status gone = context_.env.disk->remove(target_.directory + "/" + file->name);
      if (!gone && gone.error().code != ErrorCode::kNotFound) return std::unexpected(gone.error());
      TRY(manager_.keystore().write([&](store::Transaction& t) -> Status {
        return t.erase(kKnownFileTable, {file->target, file->slot});
      }));
      ++removed;
    }
  }
  if (!bases.empty()) removed += TRY(remove_unnoted(*bases.begin()));
  if (removed > 0) TRY(context_.env.disk->sync_directory(target_.directory));
  return removed;
}

// What was left unnoted goes with the chains of its time, increments first.
Result<std::size_t> Run::remove_unnoted(std::int64_t oldest_kept) {
  const std::uint64_t now = TRY(epoch());
  std::vector<FoundFile> files = TRY(look_into(*context_.env.disk, target_.directory)).files;
  std::erase_if(files, [&](const FoundFile& file) {
    const FileHeader& header = file.header;
    return header.kind != FileKind::kKeystore || header.server != context_.server || header.epoch != now ||
           header.target != target_.name || header.base >= oldest_kept;
  });
  std::ranges::sort(files, std::greater(), [](const FoundFile& file) { return file.header.increment; });
  for (const FoundFile& file : files) TRY(context_.env.disk->remove(file.path));
  return files.size();
}

Result<RunReport> Run::run(bool new_base) {
  TRY(clean_up());
  const Plan planned = TRY(plan(new_base));
  const std::uint64_t head = manager_.keystore().head().sequence;
  if (!planned.base && !TRY(manager_.keystore().content_changed(planned.from))) {
    RunReport report;
    report.nothing_new = true;
    report.commit = std::max(head, planned.from);
    return report;
  }
  RunReport report = TRY(write(planned));
  TRY(back_up_audit(report.base));
  report.removed = TRY(retain());
  return report;
}

}  // namespace tapewarden::keymgr::backup
