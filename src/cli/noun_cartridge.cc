#include <boost/json.hpp>

#include "base/text.h"
#include "cli/cartridge_actions.h"
#include "cli/context.h"
#include "cli/nouns.h"
#include "cli/proof_file.h"
#include "cli/report.h"
#include "cli/size_text.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/inspect.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

const ArgumentSpec kFile{.name = "FILE", .required = true, .meaning = "the cartridge file"};

Result<tape::KeyManagement> parse_management(std::string_view text) {
  for (const auto management : {tape::KeyManagement::kNone, tape::KeyManagement::kApplication,
                                tape::KeyManagement::kLibrary, tape::KeyManagement::kSystem}) {
    if (equal_ignoring_case(text, tape::to_string(management))) return management;
  }
  return fail(ErrorCode::kInvalidArgument, "this is no key management", "--management",
              "use none, application, library or system");
}

Result<tape::CartridgeSpec> spec_of(const Values& values) {
  tape::CartridgeSpec spec;
  spec.volser = to_upper(values.text("--volser"));
  if (values.has("--kind")) {
    const bool lto = equal_ignoring_case(values.text("--kind"), "LTO");
    if (!lto && values.text("--kind") != "3592") {
      return fail(ErrorCode::kInvalidArgument, "this is no kind of cartridge", "--kind", "use LTO or 3592");
    }
    spec.kind = lto ? tape::MediumKind::kLto : tape::MediumKind::k3592;
  }
  if (values.has("--capacity"))
    spec.capacity_bytes = TRY(parse_size(values.text("--capacity"), "--capacity"));
  if (values.has("--management")) spec.management = TRY(parse_management(values.text("--management")));
  spec.worm = values.has("--worm");
  return spec;
}

Status create(Context& context, const Values& values) {
  auto cartridge = TRY(tape::Cartridge::create(context.env, values.text("FILE"), TRY(spec_of(values))));
  const auto identity = cartridge->identity();
  TRY(cartridge->unload());
  print_report(context, {{"volser", identity.volser}, {"volume", identity.volume.text()}},
               "made cartridge " + identity.volser + ", volume " + identity.volume.text());
  return {};
}

json::object summary_of(const tape::Inspection& inspection) {
  json::array sessions;
  for (const auto& session : inspection.sessions) {
    sessions.push_back(json::object{{"id", session.id},
                                    {"encrypted", session.encrypted},
                                    {"method", tape::to_string(session.method)},
                                    {"key_check_value", session.encrypted ? to_hex(session.check_value) : ""},
                                    {"begun", format_utc(session.begun)},
                                    {"records", session.data_records},
                                    {"host_bytes", session.host_bytes},
                                    {"stored_bytes", session.stored_bytes}});
  }
  return {{"volser", inspection.current.volser},
          {"volume", inspection.current.volume.text()},
          {"file_bytes", inspection.file_bytes},
          {"host_bytes", inspection.host_bytes},
          {"stored_bytes", inspection.stored_bytes},
          {"records", inspection.counts.data},
          {"filemarks", inspection.counts.filemarks},
          {"encrypted_records", inspection.counts.encrypted},
          {"sessions", std::move(sessions)},
          {"damaged_key_copies", inspection.key_info.damaged_copies()},
          {"damage", inspection.damage ? json::value(*inspection.damage) : json::value(nullptr)},
          {"newer_format",
           inspection.newer_format ? json::value(*inspection.newer_format) : json::value(nullptr)}};
}

// With the second partition of a cartridge that has two.
json::object whole_summary_of(const tape::Inspection& inspection) {
  auto summary = summary_of(inspection);
  summary["partitions"] = inspection.current.partitions;
  if (inspection.second) summary["partition_1"] = summary_of(*inspection.second);
  if (!inspection.second_lost.empty()) summary["partition_1_lost"] = inspection.second_lost;
  return summary;
}

json::object summary_of(const tape::VerifyReport& report) {
  json::array faults;
  for (const auto& fault : report.faults) {
    faults.push_back(json::object{{"kind", tape::to_string(fault.kind)},
                                  {"offset", fault.offset},
                                  {"object", fault.logical_object},
                                  {"message", fault.message}});
  }
  return {{"good", report.good()},
          {"records", report.records},
          {"bytes", report.bytes},
          {"tags_unchecked", report.tags_unchecked},
          {"torn_bytes", report.torn_bytes},
          {"cut_off_files", json::array(report.cut_off_files.begin(), report.cut_off_files.end())},
          {"last_file_without_filemark", report.last_file_without_filemark
                                             ? json::value(*report.last_file_without_filemark)
                                             : json::value(nullptr)},
          {"faults", std::move(faults)}};
}

Status inspect(Context& context, const Values& values) {
  const auto inspection = TRY(tape::inspect(context.env, values.text("FILE")));
  print_report(context, whole_summary_of(inspection), inspection.to_text());
  auto damage = inspection.damage;
  if (!damage && inspection.second) damage = inspection.second->damage;
  if (!damage && !inspection.second_lost.empty()) damage = inspection.second_lost;
  if (!damage && inspection.needs_newer_reader()) return needs_newer_reader();
  if (!damage) return {};
  return fail(ErrorCode::kCorrupt, "the cartridge is damaged: " + escape_unprintable(*damage), "FILE",
              "run cartridge verify to see how far it reads");
}

Status verify(Context& context, const Values& values) {
  if (values.has("--drive")) return verify_with_keys(context, values);
  tape::VerifyOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (context.progress) context.progress(done, total);
    return true;
  };
  const auto report = TRY(tape::verify(context.env, values.text("FILE"), options));
  auto summary = summary_of(report);
  if (report.second) summary["partition_1"] = summary_of(*report.second);
  print_report(context, summary, report.to_text());
  if (report.good()) return {};
  const bool faulty = !report.faults.empty() || (report.second && !report.second->faults.empty());
  if (!faulty) return interrupted_write();
  if (report.needs_newer_reader()) return needs_newer_reader();
  return fail(ErrorCode::kCorrupt, "the cartridge does not verify", "FILE",
              "restore its volumes from a copy");
}

std::string text_of(const tape::KeyInfoReport& report) {
  std::string text = "method:          " + std::string(tape::to_string(report.info.method)) + "\n";
  text += "EEDKs:           " + std::to_string(report.info.eedks.size()) + "\n";
  text += "signed:          " + std::string(report.info.signature.empty() ? "no" : "yes") + "\n";
  text += "DKi (A-KAD):     " + (report.info.akad.empty() ? "-" : to_hex(report.info.akad)) + "\n";
  text += "key check value: " + (report.info.check_value ? to_hex(*report.info.check_value) : "-") + "\n";
  text += "generation:      " + std::to_string(report.generation) + "\n";
  for (std::size_t i = 0; i < report.copies.size(); ++i) {
    const auto& copy = report.copies[i];
    text += (i == 0 ? "copy in memory:  " : "copy on medium:  ") +
            std::string(copy.good()  ? "good"
                        : copy.stale ? "stale"
                                     : "not good") +
            "\n";
  }
  return text;
}

Status show_keys(Context& context, const Values& values) {
  const auto inspection = TRY(tape::inspect(context.env, values.text("FILE")));
  const tape::KeyInfoReport& report = inspection.key_info;
  json::array eedks;
  for (const auto& eedk : report.info.eedks) eedks.emplace_back(to_hex(eedk));
  print_report(context,
               {{"method", tape::to_string(report.info.method)},
                {"eedks", std::move(eedks)},
                {"signature", to_hex(report.info.signature)},
                {"akad", to_hex(report.info.akad)},
                {"key_check_value", report.info.check_value ? to_hex(*report.info.check_value) : ""},
                {"generation", report.generation},
                {"damaged_copies", report.damaged_copies()},
                {"all_lost", report.all_lost}},
               text_of(report));
  if (!report.all_lost) return {};
  return fail(ErrorCode::kCorrupt, "every copy of the key information is lost", "FILE",
              "repair it from the key server's ledger: tapewarden cartridge repair FILE --from-ledger");
}

std::vector<Command> looking_commands() {
  return {
      {.noun = "cartridge",
       .verb = "inspect",
       .summary = "Show what a cartridge holds, without any key",
       .example = "tapewarden cartridge inspect VOL001.twc",
       .arguments = {kFile},
       .does = Action(inspect)},
      {.noun = "cartridge",
       .verb = "verify",
       .summary = "Check every record's checksums and the chain, without any key; with --drive every tag",
       .example = "tapewarden cartridge verify VOL001.twc",
       .arguments = {kFile,
                     {.name = "--drive",
                      .meaning = "a virtual drive of --site: read all with the key from the key servers"}},
       .does = Action(verify)},
      {.noun = "cartridge",
       .verb = "show-keys",
       .summary = "Show what the cartridge tells about its key",
       .example = "tapewarden cartridge show-keys VOL001.twc",
       .arguments = {kFile},
       .does = Action(show_keys)},
  };
}

}  // namespace

std::vector<Command> cartridge_commands() {
  std::vector<Command> commands{
      {.noun = "cartridge",
       .verb = "create",
       .summary = "Make an empty cartridge file",
       .example = "tapewarden cartridge create VOL001.twc --volser VOL001 --capacity 18T",
       .arguments = {kFile,
                     {.name = "--volser", .required = true, .meaning = "1 to 8 letters and digits"},
                     {.name = "--kind", .meaning = "LTO (unless given) or 3592"},
                     {.name = "--capacity", .meaning = "18T unless given"},
                     {.name = "--management",
                      .meaning = "none (unless given), application, library or system"},
                     {.name = "--worm", .kind = ArgumentKind::kFlag, .meaning = "write once, read many"}},
       .does = Action(create)},
  };
  for (auto& command : looking_commands()) commands.push_back(std::move(command));
  commands.push_back(
      {.noun = "cartridge",
       .verb = "erase",
       .summary = "Erase a cartridge, and say what that does and does not guarantee",
       .example = "tapewarden cartridge erase VOL001.twc --method overwrite --yes",
       .arguments = {kFile,
                     {.name = "--method", .required = true, .meaning = "overwrite or cryptographic"},
                     {.name = "--yes", .kind = ArgumentKind::kFlag, .meaning = "really"},
                     {.name = "--certificate",
                      .meaning = "where to write the key server's certificate of erasure"},
                     {.name = "--although-shared",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "cryptographic: also when the key seals other cartridges"},
                     {.name = "--without-server",
                      .kind = ArgumentKind::kFlag,
                      .meaning = "cryptographic: without asking the key server for them"}},
       .does = Action(erase_cartridge)});
  commands.push_back({.noun = "cartridge",
                      .verb = "verify-erasure",
                      .summary = "Check a certificate of erasure; needs no server",
                      .example = "tapewarden cartridge verify-erasure VOL001.erased --ca authority.crt",
                      .arguments = proof_arguments("the certificate of erasure"),
                      .does = Action(verify_erasure)});
  commands.push_back({.noun = "cartridge",
                      .verb = "repair",
                      .summary = "Rewrite every copy of the key information from the newest readable one",
                      .example = "tapewarden cartridge repair VOL001.twc",
                      .arguments = {kFile,
                                    {.name = "--from-ledger",
                                     .kind = ArgumentKind::kFlag,
                                     .meaning = "from what the key server's ledger holds of this volume"}},
                      .does = Action(repair_cartridge)});
  commands.push_back(
      {.noun = "cartridge",
       .verb = "rekey",
       .summary =
           "Put new EEDKs under other labels on a cartridge; the data stays, old EEDKs are not revoked",
       .example = "tapewarden cartridge rekey VOL001.twc --label ARCHIVE-2026",
       .arguments = {kFile,
                     {.name = "--label", .required = true, .meaning = "a label to wrap to"},
                     {.name = "--mode", .meaning = "clear (unless given) or hash"},
                     {.name = "--label2", .meaning = "a second label"},
                     {.name = "--mode2", .meaning = "clear (unless given) or hash"}},
       .does = Action(rekey_cartridge)});
  return commands;
}

}  // namespace tapewarden::cli
