// What comes back from a cartridge, read by GNU tar.
#include "interop/interop_site.h"

namespace tapewarden::testing {
namespace {

using ::testing::HasSubstr;

class InteropTar : public InteropSite {
 protected:
  // A tree with what archives stumble over: long names, holes, links, odd modes, an empty file.
  static Status make_tree() {
    (void)TRY(shell(R"sh(
rm -rf tree back; mkdir -p tree/deep/$(printf 'a%.0s' $(seq 200))
head -c 3000000 /dev/urandom > tree/random
seq 200000 > tree/numbers
: > tree/empty
truncate -s 5M tree/hole; printf x >> tree/hole
ln tree/numbers tree/hard; ln -s numbers tree/soft
printf 'word\n' > 'tree/a name with blanks'
printf 'deep\n' > tree/deep/$(printf 'a%.0s' $(seq 200))/file
chmod 0741 tree/random; chmod 0500 tree/deep)sh"));
    return {};
  }
  static void there_and_back(const std::string& kind, const std::string& serial, const std::string& volser,
                             const std::string& write_options, const std::string& tar_options) {
    TW_ASSERT_OK(make_tree());
    TW_ASSERT_OK(make_drive(kind, serial, volser));
    const std::string tape = program("tapewarden") + " tape ";
    const std::string where = " --site . --drive " + serial + " --cartridge " + volser;
    const auto done = shell("tar " + tar_options + " -cf - tree | " + tape + "write" + where + " " +
                            write_options + "\nmkdir back\n" + tape + "read" + where +
                            " | tar -C back -xpf -\n" + tape + "read" + where + R"sh( | tar -df -
diff -r tree back/tree
[ "$(stat -c %a back/tree/random)" = 741 ]
[ "$(stat -c %i back/tree/hard)" = "$(stat -c %i back/tree/numbers)" ]
[ "$(readlink back/tree/soft)" = numbers ]
echo all the same)sh");
    TW_ASSERT_OK(done);
    EXPECT_THAT(*done, HasSubstr("all the same"));
  }
};

TEST_F(InteropTar, D4_APaxArchiveComesBackFromAnLtoCartridge) {
  TW_ASSERT_OK(make_group("TAR", 4));
  there_and_back("LTO", "6000000011", "TW0211L9", "--group TAR", "--format=pax");
}

TEST_F(InteropTar, D4_AGnuArchiveComesBackFromA3592Cartridge) {
  TW_ASSERT_OK(
      rest().post("/v1/keks", json::object{{"common_name", "t"}, {"bits", 2048}, {"labels", {"TAR"}}}));
  there_and_back("3592", "6000000012", "TW0212JD", "--label TAR:hash", "--format=gnu --sparse");
}

TEST_F(InteropTar, D4_SeveralFilesOfATapeAreArchivesOfTheirOwn) {
  TW_ASSERT_OK(make_group("TAR2", 4));
  TW_ASSERT_OK(make_drive("LTO", "6000000013", "TW0213L9"));
  const std::string tape = program("tapewarden") + " tape ";
  const std::string where = " --site . --drive 6000000013 --cartridge TW0213L9";
  const auto listed = shell(
      "mkdir -p many; for n in 0 1 2; do echo $n > many/$n; done\n"
      "tar -cf - many/0 | " +
      tape + "write" + where + " --group TAR2\n" + "for n in 1 2; do tar -cf - many/$n | " + tape +
      "write --append" + where + "; done\n" + "for n in 2 0 1; do " + tape + "read --file $n" + where +
      " | tar -tf -; done");
  TW_ASSERT_OK(listed);
  for (const char* name : {"many/0", "many/1", "many/2"}) EXPECT_THAT(*listed, HasSubstr(name));
}

}  // namespace
}  // namespace tapewarden::testing
