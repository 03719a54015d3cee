// The symbols that glibc's libstdc++ and libgcc need and musl lacks: just enough to try the musl binaries on a host
// without a musl build of the two. For scripts/release/try-targets.sh only; a musl host has its own libstdc++.
extern unsigned long strftime_l(char *, unsigned long, const char *, const void *, void *);
extern long getrandom(void *, unsigned long, unsigned);
unsigned long __strftime_l(char *to, unsigned long max, const char *format, const void *tm, void *locale) {
  return strftime_l(to, max, format, tm, locale);
}
unsigned arc4random(void) {
  unsigned value = 0;
  getrandom(&value, sizeof value, 0);
  return value;
}
int __cxa_thread_atexit_impl(void (*f)(void *), void *object, void *dso) { return 0; }
char __libc_single_threaded = 0;
// -1: not found; the unwinder then asks dl_iterate_phdr.
int _dl_find_object(void *pc, void *result) { return -1; }
int __cpu_indicator_init(void) { return 0; }
struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;
extern unsigned long getauxval(unsigned long);
unsigned long __getauxval(unsigned long type) { return getauxval(type); }
