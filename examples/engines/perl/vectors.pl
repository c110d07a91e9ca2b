# A barrier of a coalesce in Perl, held against the published vectors, and nothing else of Fateline: no process, no protocol.
# usage: perl vectors.pl specs/vectors/barrier.jsonl.gz [--bug]
use strict; use warnings; # no modules but those that come with Perl
use IO::Uncompress::Gunzip; use JSON::PP;

my ($file, $bug) = @ARGV;
my %POLICY = (    # what an event means for a barrier: undef waits, 'merge' merges, any other word fails it
    require_all => [sub { $_[0] == $_[2] ? 'merge' : undef }, sub { 'branch_lost' }, sub { 'incomplete_branches' }],
    quorum => [sub { $_[0] >= $_[3] ? 'merge' : undef }, sub { $_[2] - $_[1] < $_[3] ? 'quorum_impossible' : undef }, sub { 'quorum_not_met' }],
    best_effort => [sub { $_[0] + $_[1] < $_[2] ? undef : 'merge' },
        sub { $_[0] + $_[1] < $_[2] ? undef : $_[0] ? 'merge' : 'all_branches_lost' }, sub { $_[0] ? 'merge' : 'no_arrivals' }],
    first => [sub { 'merge' }, sub { $_[1] == $_[2] ? 'all_branches_lost' : undef }, sub { 'no_arrivals' }],
);

sub event {    # one event at a barrier; what comes of it, in one line
    my ($node, $barrier, $said, $do, $branch) = (@_, $_[2]{do}, $_[2]{branch});
    my $known = defined $branch && grep { $_ eq $branch } @{ $node->{branches} };
    if ($do eq 'arrive' || $do eq 'lose') {
        return 'refused' if !$known || $barrier->{held}{$branch} || $barrier->{lost}{$branch} || $barrier->{late}{$branch};
        return 'nothing' if $barrier->{verdict} && $do eq 'lose';
        return $barrier->{late}{$branch} = 'late_arrival_after_' . ($barrier->{verdict} eq 'merged' ? 'merge' : 'failure')
            if $barrier->{verdict};
        $barrier->{seen} = $barrier->{ $do eq 'arrive' ? 'held' : 'lost' }{$branch} = 1;
    } elsif (!$barrier->{seen} || $barrier->{verdict}) { return 'refused' }
    my ($arrived, $lost) = map { scalar keys %{ $barrier->{$_} || {} } } qw(held lost);
    my $quorum = ($node->{quorum_count} || 0) - ($bug ? 1 : 0);
    my $word = $POLICY{ $node->{policy} }[{ arrive => 0, lose => 1 }->{$do} // 2]->($arrived, $lost, scalar @{ $node->{branches} }, $quorum);
    return 'waits' if !defined $word;
    if ($word eq 'merge') {
        my $data = ($said->{data} || [])->[0] || 'ok';
        $word = $data eq 'ok' ? 'merged' : $data;
        $word = 'select_branch_not_arrived' if $node->{merge} eq 'select' && !$barrier->{held}{ $node->{select_branch} };
    }
    $barrier->{verdict} = $word eq 'merged' ? 'merged' : 'failed';
    return join ' ', $word, map { my $key = $_; join ',', grep { $barrier->{$key}{$_} } @{ $node->{branches} } } qw(held lost);
}

sub expected {    # the same line, from what the vector says
    return 'refused' if $_[0]{refused};
    for my $record (@{ $_[0]{records} }) {
        return join ' ', $record->{reason} || 'merged', $record->{arrived}, $record->{lost} if $record->{rec} eq 'barriers';
        return $record->{reason} if $record->{rec} eq 'outcomes' && ($record->{reason} || '') =~ /^late/;
    }
    return (grep { $_->{rec} =~ /^(visits|losses)$/ } @{ $_[0]{records} }) ? 'waits' : 'nothing';
}

my ($vectors, $failed, $node) = (0, 0);
my $lines = IO::Uncompress::Gunzip->new($file) or die "$file: cannot be read\n";
while (my $line = $lines->getline) {
    my $said = decode_json($line);
    if ($said->{pipeline}) { $node = $said->{pipeline}; next }
    my ($barrier) = ({}, $vectors++);
    for my $step (@{ $said->{steps} }) {
        next if (my $want = expected($step)) eq (my $got = event($node, $barrier, $step->{stimulus}));
        print "$said->{id}: $step->{says}: the law says '$want', this says '$got'\n" if ++$failed <= 5;
        last;
    }
}
print "$failed of $vectors vectors failed\n";
exit($failed ? 1 : 0);
