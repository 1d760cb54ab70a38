#include "base/text.h"
#include "cli/context.h"
#include "cli/drive_maker.h"
#include "cli/nouns.h"

namespace tapewarden::cli {
namespace {

const ArgumentSpec kSerial{.name = "--serial", .required = true, .meaning = "10 or 12 letters and digits"};

Status need_site(const Context& context) {
  if (!context.globals.site.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, "the site is missing", "--site",
              "name the folder that `site init` made");
}

Result<tape::MediumKind> parse_kind(std::string_view text) {
  if (equal_ignoring_case(text, "LTO")) return tape::MediumKind::kLto;
  if (text == "3592") return tape::MediumKind::k3592;
  return fail(ErrorCode::kInvalidArgument, "this is no kind of drive", "--kind", "use LTO or 3592");
}

Status create(Context& context, const Values& values) {
  TRY(need_site(context));
  NewDrive drive;
  drive.site = context.globals.site;
  drive.serial = to_upper(values.text("--serial"));
  drive.kind = TRY(parse_kind(values.text("--kind")));
  const auto identity = TRY(make_drive(context.env, drive));
  *context.out << "made drive " << drive.serial << " (" << tape::to_string(drive.kind) << ")\n"
               << "  identity      SHA-256 " << to_hex(TRY(identity->certificate().public_key()).spki_hash())
               << "\n"
               << "  wrapping key  SHA-256 " << to_hex(identity->wrapping_key().spki_hash()) << "\n";
  return {};
}

Status enrol(Context& context, const Values& values) {
  TRY(need_site(context));
  const std::string serial = to_upper(values.text("--serial"));
  const auto config =
      TRY(keyproxy::read_engine_config(*context.env.disk, context.globals.site + "/engine/engine.toml"));
  const auto bench = TRY(DriveBench::open(context.env, config, serial));
  const auto state = TRY(enrol_drive(*bench));
  *context.out << text_of(state, serial);
  return {};
}

}  // namespace

std::vector<Command> drive_commands() {
  return {
      {.noun = "drive",
       .verb = "create",
       .summary = "Make a virtual drive: its serial, identity and wrapping key, certified by the site",
       .example = "tapewarden drive create --site ~/site --kind LTO --serial 1000000001",
       .arguments = {kSerial, {.name = "--kind", .required = true, .meaning = "LTO or 3592"}},
       .does = create},
      {.noun = "drive",
       .verb = "enrol",
       .summary = "Show a virtual drive to the key server, which notes an unknown one as pending",
       .example = "tapewarden drive enrol --site ~/site --serial 1000000001",
       .arguments = {kSerial},
       .does = enrol},
  };
}

}  // namespace tapewarden::cli
