#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Installs ec2-backup on an EC2 instance that runs Windows, or brings it up to date.

.DESCRIPTION
Puts the program into %ProgramFiles%\ec2-backup, makes %ProgramData%\ec2-backup for the configuration and the
state, which only Administrators and SYSTEM can read and write, makes the source of the Application event log,
and registers the task that makes one backup a day as SYSTEM. Each step is shown before it is done. It can be
run again at any time: a configuration that is there is never changed.

.PARAMETER Source
The folder of the unpacked program, which holds dist and node. The usual one is the folder above this script.

.PARAMETER At
The local hour of the daily run.

.PARAMETER SpreadMinutes
Over how many minutes the instances of a fleet spread their runs.

.EXAMPLE
.\install.ps1 -WhatIf
Shows what would be done, and does nothing.

.EXAMPLE
.\install.ps1 -At 03:30 -SpreadMinutes 90
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $Source = (Split-Path -Parent $PSScriptRoot),
    [ValidatePattern('^([01]\d|2[0-3]):[0-5]\d$')]
    [string] $At = '02:00',
    [ValidateRange(0, 720)]
    [int] $SpreadMinutes = 60
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$taskName = 'ec2-backup-run'
$sourceName = 'ec2-backup'
$program = Join-Path $env:ProgramFiles 'ec2-backup'
$data = Join-Path $env:ProgramData 'ec2-backup'
$config = Join-Path $data 'config.yaml'
# Full control for SYSTEM and Administrators, nothing for others, nothing from the folder above.
$closed = 'O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)'
$trusted = @('S-1-5-18', 'S-1-5-32-544')

function Get-OwnerSid([string] $Path) {
    $owner = (Get-Acl -LiteralPath $Path).GetOwner([System.Security.Principal.SecurityIdentifier])
    return $owner.Value
}

function Test-Parts([string] $Folder) {
    foreach ($part in @('dist\ec2-backup.js', 'node\node.exe', 'windows\ec2-backup-task.xml')) {
        if (-not (Test-Path -LiteralPath (Join-Path $Folder $part) -PathType Leaf)) {
            throw "$Folder is not the unpacked program: it has no $part"
        }
    }
}

function Assert-NoRun {
    $task = Get-ScheduledTask -TaskName $taskName -ErrorAction SilentlyContinue
    if (($null -ne $task) -and ($task.State -eq 'Running')) {
        throw "A backup is running. Wait for it to end, then start this again."
    }
}

function Copy-Program {
    $from = (Resolve-Path -LiteralPath $Source).ProviderPath.TrimEnd('\')
    Test-Parts $from
    if ($from -eq $program) {
        Write-Output "program: stays in $program"
        return
    }
    if (-not $PSCmdlet.ShouldProcess($program, 'put the program there')) { return }
    Assert-NoRun
    New-Item -ItemType Directory -Path $program -Force | Out-Null
    foreach ($part in @('dist', 'node', 'policies', 'windows')) {
        $there = Join-Path $program $part
        # What an older version had and this one has not must not stay.
        if (Test-Path -LiteralPath $there) { Remove-Item -LiteralPath $there -Recurse -Force }
        $here = Join-Path $from $part
        if (Test-Path -LiteralPath $here) { Copy-Item -LiteralPath $here -Destination $there -Recurse -Force }
    }
    Write-Output "program: $program"
}

function Protect-Data {
    if (Test-Path -LiteralPath $data) {
        $item = Get-Item -LiteralPath $data -Force
        if ($item.Attributes -band [System.IO.FileAttributes]::ReparsePoint) {
            throw "$data is a link to another place. Remove it, then start this again."
        }
        # Everybody may make folders in ProgramData: what somebody else made is not ours to trust. In a folder that
        # inherits nothing from there only administrators could put anything, under whatever name of theirs.
        $known = @($item)
        if (-not (Get-Acl -LiteralPath $data).AreAccessRulesProtected) {
            $known += @(Get-ChildItem -LiteralPath $data -Recurse -Force)
        }
        foreach ($one in $known) {
            $owner = Get-OwnerSid $one.FullName
            if ($trusted -notcontains $owner) {
                throw "$($one.FullName) belongs to $owner. Look who made it, remove it, then start this again."
            }
        }
    }
    if (-not $PSCmdlet.ShouldProcess($data, 'make the folder, for Administrators and SYSTEM only')) { return }
    New-Item -ItemType Directory -Path $data -Force | Out-Null
    $acl = New-Object System.Security.AccessControl.DirectorySecurity
    $acl.SetSecurityDescriptorSddlForm($closed)
    Set-Acl -LiteralPath $data -AclObject $acl
    Write-Output "data: $data"
}

function Write-Configuration {
    if (Test-Path -LiteralPath $config) {
        Write-Output "configuration: $config stays as it is"
        return
    }
    if (-not $PSCmdlet.ShouldProcess($config, 'write a first configuration')) { return }
    $lines = @(
        '# See README.md for all that can be said here; check it with: ec2-backup check-config',
        'version: 1',
        'jobs:',
        '  default: {}',
        'log: { eventLog: true }'
    )
    # Not by Set-Content, which would put a mark before the text.
    [System.IO.File]::WriteAllLines($config, $lines)
    Write-Output "configuration: $config"
}

function Register-EventSource {
    $key = "HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\$sourceName"
    if (Test-Path -LiteralPath $key) {
        Write-Output "event log: the source $sourceName is there"
        return
    }
    if (-not $PSCmdlet.ShouldProcess($sourceName, 'make the source of the Application event log')) { return }
    # As eventcreate.exe makes its own: to a source without CustomSource it refuses to write.
    New-Item -Path $key -Force | Out-Null
    New-ItemProperty -LiteralPath $key -Name EventMessageFile -PropertyType ExpandString `
        -Value '%SystemRoot%\System32\EventCreate.exe' -Force | Out-Null
    New-ItemProperty -LiteralPath $key -Name TypesSupported -PropertyType DWord -Value 7 -Force | Out-Null
    New-ItemProperty -LiteralPath $key -Name CustomSource -PropertyType DWord -Value 1 -Force | Out-Null
    Write-Output "event log: source $sourceName of the Application log"
}

function Register-DailyTask {
    $template = Join-Path $program 'windows\ec2-backup-task.xml'
    if (-not (Test-Path -LiteralPath $template)) { $template = Join-Path $Source 'windows\ec2-backup-task.xml' }
    $task = New-Object System.Xml.XmlDocument
    $task.Load($template)
    $trigger = $task.Task.Triggers.CalendarTrigger
    $trigger.StartBoundary = "2026-01-01T${At}:00"
    $trigger.RandomDelay = "PT${SpreadMinutes}M"
    $exec = $task.Task.Actions.Exec
    $exec.Command = Join-Path $program 'node\node.exe'
    $exec.Arguments = '"' + (Join-Path $program 'dist\ec2-backup.js') + '" run'
    $exec.WorkingDirectory = $program
    if (-not $PSCmdlet.ShouldProcess($taskName, "register the task, daily at $At, as SYSTEM")) { return }
    Register-ScheduledTask -TaskName $taskName -Xml $task.OuterXml -Force | Out-Null
    Write-Output "task: $taskName, daily at $At and up to $SpreadMinutes minutes later"
}

function Show-Result {
    if ($WhatIfPreference) { return }
    $node = Join-Path $program 'node\node.exe'
    $agent = Join-Path $program 'dist\ec2-backup.js'
    Write-Output ''
    & $node $agent check-config
    Write-Output ''
    Write-Output 'Next: see what a run would do, then make the first one:'
    Write-Output "  & '$node' '$agent' plan"
    Write-Output "  Start-ScheduledTask -TaskName $taskName"
}

Copy-Program
Protect-Data
Write-Configuration
Register-EventSource
Register-DailyTask
Show-Result
