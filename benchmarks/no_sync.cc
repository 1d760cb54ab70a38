// Loaded into tgtd by a benchmark (LD_PRELOAD): its syncs do nothing. tgt syncs after every block, and a
// comparison with that alone would say little; so it is measured without, too, and the benchmark syncs its
// file in the end.
extern "C" {
int fsync(int file);
int fdatasync(int file);

int fsync(int) {
  return 0;
}
int fdatasync(int) {
  return 0;
}
}
